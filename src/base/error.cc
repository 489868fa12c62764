#include "base/error.h"

namespace isotel {

std::string_view Message(Error error) {
  switch (error) {
#define ISOTEL_ERROR(name, code, message) \
  case Error::name:                       \
    return message;
#include "base/errors.def"
#undef ISOTEL_ERROR
  }
  return "unknown error";
}

}  // namespace isotel

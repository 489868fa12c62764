// Error codes of the core. Errors are values: the core does not throw, abort or print.
#pragma once

#include <cstdint>
#include <string_view>

namespace isotel {

enum class [[nodiscard]] Error : int32_t {
#define ISOTEL_ERROR(name, code, message) name = code,
#include "base/errors.def"
#undef ISOTEL_ERROR
};

/// Returns one English sentence. Returns "unknown error" for a code that is not in errors.def.
std::string_view Message(Error error);

}  // namespace isotel

// Error codes of the core, as values: nothing here throws, aborts or prints.
#pragma once

#include <cstdint>
#include <string_view>

namespace isotel {

enum class [[nodiscard]] Error : int32_t {
#define ISOTEL_ERROR(name, code, message) name = code,
#include "base/errors.def"
#undef ISOTEL_ERROR
};

/// One sentence in English; "unknown error" for a code that is not in errors.def.
std::string_view Message(Error error);

}  // namespace isotel

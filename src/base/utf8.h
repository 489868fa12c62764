// UTF-8 checks. Inputs may be any bytes.
#pragma once

#include <cstddef>
#include <string_view>

namespace isotel {

/// Returns the length in bytes of the longest prefix of `text` that has at most `max_bytes` bytes and ends between two
/// characters. Text that is not valid UTF-8 is cut before the last lead byte that would be split.
[[nodiscard]] size_t CutAtCharacter(std::string_view text, size_t max_bytes);

/// Whether `text` is well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates).
[[nodiscard]] bool IsValidUtf8(std::string_view text);

}  // namespace isotel

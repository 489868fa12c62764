// The few UTF-8 facts the core needs. Inputs may be any bytes; nothing is read outside the view.
#pragma once

#include <cstddef>
#include <string_view>

namespace isotel {

/// Length in bytes of the longest prefix of `text` that has at most `max_bytes` bytes and ends between two
/// characters. For text that is not valid UTF-8 the cut falls before the last lead byte that would be split.
[[nodiscard]] size_t CutAtCharacter(std::string_view text, size_t max_bytes);

/// Whether `text` is well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates).
[[nodiscard]] bool IsValidUtf8(std::string_view text);

}  // namespace isotel

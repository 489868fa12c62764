// Reads JSON (RFC 8259) in place: first a check of the whole text, then views on its values. Needs no memory.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/wire.h"

namespace isotel {

/// Nesting depth up to which a text counts as JSON.
inline constexpr uint32_t kMaxJsonDepth = 64;

/// Returns whether `text` is one JSON value. The text may be any bytes. It need not be UTF-8.
[[nodiscard]] bool IsJson(std::string_view text);

/// Steps through the values of an array or the members of an object. `container` is a text that IsJson() accepted, or a
/// value of it. It has no items if it is neither.
class JsonItems {
 public:
  explicit JsonItems(std::string_view container);

  /// Goes to the next item. Returns false after the last one.
  bool Next();
  /// The name of the current member as written, without quotes. Empty in an array.
  [[nodiscard]] std::string_view name() const { return name_; }
  /// The current value, without space around it.
  [[nodiscard]] std::string_view value() const { return value_; }

 private:
  const char* at_;
  const char* end_;
  std::string_view name_;
  std::string_view value_;
};

/// Returns whether a checked text is an array.
[[nodiscard]] bool IsJsonArray(std::string_view text);
[[nodiscard]] inline bool IsJsonString(std::string_view value) { return value.starts_with('"'); }
/// Returns the characters of a checked string. Uses `scratch` if there are escapes, and replaces lone surrogates by
/// U+FFFD. The view is valid until the next write to `scratch`.
[[nodiscard]] std::string_view JsonCharacters(std::string_view string, ByteWriter& scratch);

}  // namespace isotel

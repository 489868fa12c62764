// Classes of ASCII characters, and splitting of header fields. A call into the C library of a Wasm module costs more
// than these loops.
#pragma once

#include <cstddef>
#include <string_view>

namespace isotel {

[[nodiscard]] constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
[[nodiscard]] constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
[[nodiscard]] constexpr bool IsAlphanumeric(char c) { return IsDigit(c) || IsLower(Lower(c)); }
/// Lower case only.
[[nodiscard]] constexpr bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
/// White space of HTTP headers.
[[nodiscard]] constexpr bool IsSpace(char c) { return c == ' ' || c == '\t'; }

/// Returns the position of the first `c`, or the size of `text` without one.
[[nodiscard]] constexpr size_t Find(std::string_view text, char c) {
  size_t at = 0;
  while (at < text.size() && text[at] != c) ++at;
  return at;
}

template <typename Is>
[[nodiscard]] constexpr bool AreAll(std::string_view text, const Is& is) {
  for (const char c : text) {
    if (!is(c)) return false;
  }
  return true;
}

[[nodiscard]] constexpr std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

/// Removes everything up to and including the next `separator` from `text`. Returns the part before the separator.
[[nodiscard]] constexpr std::string_view TakeUntil(char separator, std::string_view& text) {
  const size_t at = Find(text, separator);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == text.size() ? at : at + 1);
  return taken;
}

}  // namespace isotel

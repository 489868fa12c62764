#include "base/json_text.h"

#include <cstdint>
#include <cstring>

namespace isotel {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr bool NeedsEscape(uint8_t byte) { return byte < 0x20 || byte == '"' || byte == '\\'; }

// Returns whether one of eight bytes may need an escape.
constexpr bool MayNeedEscape(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighs = 0x8080808080808080;
  const uint64_t control = (word - kOnes * 0x20) & ~word;
  const uint64_t quote = word ^ (kOnes * '"');
  const uint64_t backslash = word ^ (kOnes * '\\');
  return ((control | ((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash)) & kHighs) != 0;
}

void WriteEscape(uint8_t byte, ByteWriter& out) {
  char* const at = out.Reserve(6);
  at[0] = '\\';
  if (byte >= 0x20) {
    at[1] = static_cast<char>(byte);
    out.Advance(2);
    return;
  }
  at[1] = 'u';
  at[2] = '0';
  at[3] = '0';
  at[4] = kHexDigits[byte >> 4];
  at[5] = kHexDigits[byte & 15];
  out.Advance(6);
}

}  // namespace

size_t PlainBytes(std::string_view text) {
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    if (MayNeedEscape(word)) break;
  }
  while (at < text.size() && !NeedsEscape(static_cast<uint8_t>(text[at]))) ++at;
  return at;
}

bool WriteEscaped(std::string_view text, size_t max_bytes, ByteWriter& out) {
  const size_t start = out.size();
  while (!text.empty()) {
    const size_t plain = PlainBytes(text);
    if (out.size() - start + plain > max_bytes) return false;
    out.Raw(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    WriteEscape(static_cast<uint8_t>(text.front()), out);
    text.remove_prefix(1);
  }
  return out.size() - start <= max_bytes;
}

void WriteHex(std::string_view bytes, ByteWriter& out) {
  char* at = out.Reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    *at++ = kHexDigits[byte >> 4];
    *at++ = kHexDigits[byte & 15];
  }
  out.Advance(2 * bytes.size());
}

void WriteBase64(std::string_view bytes, ByteWriter& out) {
  const size_t size = (bytes.size() + 2) / 3 * 4;
  char* at = out.Reserve(size);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = bytes.size() - i;
    const auto byte = [&](size_t index) -> uint32_t {
      return index < left ? static_cast<uint8_t>(bytes[i + index]) : 0;
    };
    const uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    *at++ = kBase64Digits[group >> 18];
    *at++ = kBase64Digits[group >> 12 & 63];
    *at++ = left > 1 ? kBase64Digits[group >> 6 & 63] : '=';
    *at++ = left > 2 ? kBase64Digits[group & 63] : '=';
  }
  out.Advance(size);
}

void WriteQuoted(std::string_view text, ByteWriter& out) {
  out.Byte('"');
  (void)WriteEscaped(text, SIZE_MAX, out);
  out.Byte('"');
}

}  // namespace isotel

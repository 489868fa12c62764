#include "base/utf8.h"

#include <cstdint>

namespace isotel {
namespace {

bool IsContinuation(char byte) { return (static_cast<uint8_t>(byte) & 0xC0U) == 0x80U; }

// The length of the sequence that a lead byte starts, and the range of its second byte. Length 0: not a lead byte.
struct Lead {
  size_t length;
  uint8_t second_min;
  uint8_t second_max;
};

Lead LeadOf(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

size_t CutAtCharacter(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text.size();
  // A character has at most three continuation bytes. Text with more is not UTF-8 and may be cut anywhere.
  for (size_t back = 0; back < 4 && back <= max_bytes; ++back) {
    if (!IsContinuation(text[max_bytes - back])) return max_bytes - back;
  }
  return max_bytes;
}

bool IsValidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Lead lead = LeadOf(static_cast<uint8_t>(text[at]));
    if (lead.length == 0 || text.size() - at < lead.length) return false;
    if (lead.length > 1) {
      const auto second = static_cast<uint8_t>(text[at + 1]);
      if (second < lead.second_min || second > lead.second_max) return false;
    }
    for (size_t next = 2; next < lead.length; ++next) {
      if (!IsContinuation(text[at + next])) return false;
    }
    at += lead.length;
  }
  return true;
}

}  // namespace isotel

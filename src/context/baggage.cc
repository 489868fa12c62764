#include "context/baggage.h"

#include "base/utf8.h"
#include "context/characters.h"

namespace isotel::context {
namespace {

bool IsTokenCharacter(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return IsLower(c) || IsDigit(c) || (c >= 'A' && c <= 'Z') || Find(kOthers, c) < kOthers.size();
}

bool IsToken(std::string_view text) { return !text.empty() && AreAll(text, IsTokenCharacter); }

// A character a value may have as it stands.
bool IsPlain(char c) { return c > ' ' && c <= '~' && c != '"' && c != ',' && c != ';' && c != '\\'; }

bool AreProperties(std::string_view text) {
  return AreAll(text, [](char c) { return IsPlain(c) || c == ';' || IsSpace(c); });
}

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const auto lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The byte a percent sign and two digits stand for; -1 where there are none.
int EncodedByte(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return -1;
  const int high = HexValue(text[1]);
  const int low = HexValue(text[2]);
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

// Bytes of the character at the start of `text`; 0 when there is none.
size_t CharacterBytes(std::string_view text) {
  for (size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    if (IsValidUtf8(text.substr(0, size))) return size;
  }
  return 0;
}

}  // namespace

BaggageReader::BaggageReader(std::string_view header) : left_(header) {
  if (header.size() <= kMaxBaggageBytes) return;
  // A member that is cut is none.
  size_t end = kMaxBaggageBytes;
  while (end > 0 && header[end] != ',') --end;
  left_ = header.substr(0, end);
}

bool BaggageReader::Next(BaggageMember& member) {
  while (!left_.empty() && count_ < kMaxBaggageMembers) {
    std::string_view properties = TakeUntil(',', left_);
    std::string_view value = TakeUntil(';', properties);
    const bool has_value = Find(value, '=') < value.size();
    member.key = Trim(TakeUntil('=', value));
    member.value = Trim(value);
    member.properties = Trim(properties);
    if (!has_value || !IsToken(member.key) || !AreAll(member.value, IsPlain) || !AreProperties(properties)) continue;
    ++count_;
    return true;
  }
  return false;
}

void DecodeBaggageValue(std::string_view value, metrics::ByteWriter& out) {
  metrics::ByteWriter bytes;
  while (!value.empty()) {
    const int byte = EncodedByte(value);
    bytes.Byte(static_cast<uint8_t>(byte < 0 ? value.front() : byte));
    value.remove_prefix(byte < 0 ? 1 : 3);
  }
  for (std::string_view decoded = bytes.view(); !decoded.empty();) {
    const size_t size = CharacterBytes(decoded);
    out.Raw(size == 0 ? "\xEF\xBF\xBD" : decoded.substr(0, size));
    decoded.remove_prefix(size == 0 ? 1 : size);
  }
}

void BaggageFormatter::Add(const BaggageMember& member) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  if (!IsToken(member.key) || !AreProperties(member.properties) || count_ == kMaxBaggageMembers) return;
  const size_t start = out_.size();
  if (start > 0) out_.Byte(',');
  out_.Raw(member.key);
  out_.Byte('=');
  for (const char c : member.value) {
    const auto byte = static_cast<uint8_t>(c);
    if (IsPlain(c) && c != '%') {
      out_.Byte(byte);
      continue;
    }
    out_.Byte('%');
    out_.Byte(static_cast<uint8_t>(kDigits[byte >> 4]));
    out_.Byte(static_cast<uint8_t>(kDigits[byte & 15]));
  }
  if (!member.properties.empty()) {
    out_.Byte(';');
    out_.Raw(member.properties);
  }
  ++count_;
  if (out_.size() <= kMaxBaggageBytes) return;
  out_.Truncate(start);
  --count_;
}

}  // namespace isotel::context

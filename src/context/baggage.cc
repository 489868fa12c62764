#include "context/baggage.h"

#include <algorithm>

#include "base/utf8.h"
#include "context/characters.h"

namespace isotel::context {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool IsToken(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return IsLower(c) || IsDigit(c) || (c >= 'A' && c <= 'Z') || kOthers.find(c) != std::string_view::npos;
  });
}

// A character a value may have as it stands.
bool IsPlain(char c) { return c > ' ' && c <= '~' && c != '"' && c != ',' && c != ';' && c != '\\'; }

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const auto lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string Decode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && text.size() - i > 2 ? HexValue(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : HexValue(text[i + 2]);
    if (low < 0) {
      decoded += text[i];
      continue;
    }
    decoded += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return decoded;
}

// One U+FFFD for each byte that belongs to no character.
std::string Repair(const std::string& text) {
  if (IsValidUtf8(text)) return text;
  const std::string_view all = text;
  std::string repaired;
  for (size_t at = 0; at < all.size();) {
    size_t size = 1;
    while (size <= 4 && at + size <= all.size() && !IsValidUtf8(all.substr(at, size))) ++size;
    const bool is_character = size <= 4 && at + size <= all.size();
    repaired += is_character ? all.substr(at, size) : kReplacement;
    at += is_character ? size : 1;
  }
  return repaired;
}

std::string Encode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (IsPlain(c) && c != '%') {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    encoded += '%';
    encoded += kDigits[byte >> 4];
    encoded += kDigits[byte & 15];
  }
  return encoded;
}

bool AreProperties(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return IsPlain(c) || c == ';' || IsSpace(c); });
}

}  // namespace

std::vector<BaggageMember> ParseBaggage(std::string_view header) {
  std::vector<BaggageMember> members;
  header = header.substr(0, std::min(header.size(), kMaxBaggageBytes + 1));
  // A member that is cut is none.
  if (header.size() > kMaxBaggageBytes) header = header.substr(0, header.rfind(',') + 1);
  while (!header.empty() && members.size() < kMaxBaggageMembers) {
    std::string_view properties = TakeUntil(',', header);
    std::string_view value = TakeUntil(';', properties);
    const bool has_value = value.find('=') != std::string_view::npos;
    const std::string_view key = Trim(TakeUntil('=', value));
    value = Trim(value);
    if (!has_value || !IsToken(key) || !std::all_of(value.begin(), value.end(), IsPlain)) continue;
    if (!AreProperties(properties)) continue;
    members.push_back({std::string(key), Repair(Decode(value)), std::string(Trim(properties))});
  }
  return members;
}

std::string FormatBaggage(const std::vector<BaggageMember>& members) {
  std::string header;
  size_t count = 0;
  for (const BaggageMember& member : members) {
    if (!IsToken(member.key) || !AreProperties(member.properties)) continue;
    std::string text = member.key + '=' + Encode(member.value);
    if (!member.properties.empty()) text += ';' + member.properties;
    if (count == kMaxBaggageMembers || header.size() + text.size() + 1 > kMaxBaggageBytes) continue;
    if (!header.empty()) header += ',';
    header += text;
    ++count;
  }
  return header;
}

}  // namespace isotel::context

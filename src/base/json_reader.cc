#include "base/json_reader.h"

namespace isotel {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Returns the value of a hexadecimal digit, or a negative number.
int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

const char* SkipSpace(const char* at, const char* end) {
  while (at != end && IsSpace(*at)) ++at;
  return at;
}

class Checker {
 public:
  explicit Checker(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  bool Value(uint32_t depth) {
    at_ = SkipSpace(at_, end_);
    if (at_ == end_) return false;
    const char first = *at_;
    if (first == '{' || first == '[') return depth < kMaxJsonDepth && Container(first == '{', depth);
    if (first == '"') return String();
    if (first == 't') return Word("true");
    if (first == 'f') return Word("false");
    if (first == 'n') return Word("null");
    return Number();
  }
  bool IsDone() { return SkipSpace(at_, end_) == end_; }

 private:
  bool Take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool Word(std::string_view word) {
    if (!std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool Digits() {
    const char* const start = at_;
    while (at_ != end_ && IsDigit(*at_)) ++at_;
    return at_ != start;
  }
  bool Number() {
    (void)Take('-');
    if (!Take('0') && !Digits()) return false;
    if (Take('.') && !Digits()) return false;
    if (Take('e') || Take('E')) {
      if (!Take('+')) (void)Take('-');
      return Digits();
    }
    return true;
  }
  bool String() {
    for (++at_; at_ != end_;) {
      const char c = *at_++;
      if (c == '"') return true;
      if (static_cast<uint8_t>(c) < 0x20) return false;
      if (c == '\\' && !Escape()) return false;
    }
    return false;
  }
  bool Escape() {
    if (at_ == end_) return false;
    const char c = *at_++;
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i) {
      if (at_ == end_ || HexDigit(*at_++) < 0) return false;
    }
    return true;
  }
  bool Container(bool is_object, uint32_t depth) {
    ++at_;
    const char close = is_object ? '}' : ']';
    at_ = SkipSpace(at_, end_);
    if (Take(close)) return true;
    do {
      if (is_object) {
        at_ = SkipSpace(at_, end_);
        if (at_ == end_ || *at_ != '"' || !String()) return false;
        at_ = SkipSpace(at_, end_);
        if (!Take(':')) return false;
      }
      if (!Value(depth + 1)) return false;
      at_ = SkipSpace(at_, end_);
    } while (Take(','));
    return Take(close);
  }

  const char* at_;
  const char* end_;
};

// Returns where a checked string at `at` ends.
const char* StringEnd(const char* at) {
  for (++at; *at != '"'; ++at) {
    if (*at == '\\') ++at;
  }
  return at + 1;
}

// Returns where a checked value at `at` ends.
const char* ValueEnd(const char* at, const char* end) {
  if (*at == '"') return StringEnd(at);
  if (*at != '{' && *at != '[') {
    while (at != end && !IsSpace(*at) && *at != ',' && *at != '}' && *at != ']') ++at;
    return at;
  }
  uint32_t depth = 0;
  do {
    if (*at == '"') {
      at = StringEnd(at);
      continue;
    }
    if (*at == '{' || *at == '[') ++depth;
    if (*at == '}' || *at == ']') --depth;
    ++at;
  } while (depth > 0);
  return at;
}

std::string_view Between(const char* start, const char* end) { return {start, static_cast<size_t>(end - start)}; }

// Reads four digits.
uint32_t CodeUnit(const char* at) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; ++i) unit = unit << 4 | static_cast<uint32_t>(HexDigit(at[i]));
  return unit;
}

void WriteUtf8(uint32_t point, ByteWriter& out) {
  const auto tail = [&](uint32_t shift) { out.Byte(static_cast<uint8_t>(0x80 | (point >> shift & 0x3F))); };
  if (point < 0x80) return out.Byte(static_cast<uint8_t>(point));
  if (point < 0x800) {
    out.Byte(static_cast<uint8_t>(0xC0 | point >> 6));
  } else if (point < 0x10000) {
    out.Byte(static_cast<uint8_t>(0xE0 | point >> 12));
    tail(6);
  } else {
    out.Byte(static_cast<uint8_t>(0xF0 | point >> 18));
    tail(12);
    tail(6);
  }
  tail(0);
}

// Writes the character of the escape at `at`, behind the backslash. Returns where the escape ends.
const char* WriteCharacter(const char* at, const char* end, ByteWriter& out) {
  constexpr uint32_t kReplacement = 0xFFFD;
  switch (*at) {
    case 'b':
      return out.Byte('\b'), at + 1;
    case 'f':
      return out.Byte('\f'), at + 1;
    case 'n':
      return out.Byte('\n'), at + 1;
    case 'r':
      return out.Byte('\r'), at + 1;
    case 't':
      return out.Byte('\t'), at + 1;
    case 'u':
      break;
    default:
      return out.Byte(static_cast<uint8_t>(*at)), at + 1;
  }
  uint32_t point = CodeUnit(at + 1);
  at += 5;
  if (point >= 0xD800 && point < 0xE000) {
    const bool has_low = point < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u';
    const uint32_t low = has_low ? CodeUnit(at + 2) : 0;
    const bool is_pair = low >= 0xDC00 && low < 0xE000;
    point = is_pair ? 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00) : kReplacement;
    if (is_pair) at += 6;
  }
  WriteUtf8(point, out);
  return at;
}

}  // namespace

bool IsJson(std::string_view text) {
  Checker checker(text);
  return checker.Value(0) && checker.IsDone();
}

std::string_view JsonValue(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const start = SkipSpace(text.data(), end);
  return Between(start, ValueEnd(start, end));
}

JsonItems::JsonItems(std::string_view container)
    : at_(container.data()), end_(at_ + container.size()), is_object_(container.starts_with('{')) {
  at_ = is_object_ || container.starts_with('[') ? at_ + 1 : end_;
}

bool JsonItems::Next() {
  at_ = SkipSpace(at_, end_);
  if (at_ != end_ && *at_ == ',') at_ = SkipSpace(at_ + 1, end_);
  if (at_ == end_ || *at_ == ']' || *at_ == '}') return false;
  if (is_object_) {
    const char* const name_end = StringEnd(at_);
    name_ = Between(at_ + 1, name_end - 1);
    at_ = SkipSpace(SkipSpace(name_end, end_) + 1, end_);
  }
  const char* const start = at_;
  at_ = ValueEnd(at_, end_);
  value_ = Between(start, at_);
  return true;
}

std::string_view JsonMember(std::string_view object, std::string_view name) {
  std::string_view found;
  for (JsonItems members(object); members.Next();) {
    if (members.name() == name) found = members.value();
  }
  return found;
}

std::string_view JsonCharacters(std::string_view string, ByteWriter& scratch) {
  const std::string_view inside = string.substr(1, string.size() - 2);
  const char* at = inside.data();
  const char* const end = at + inside.size();
  if (inside.find('\\') == std::string_view::npos) return inside;
  scratch.Clear();
  while (at != end) {
    if (*at == '\\') {
      at = WriteCharacter(at + 1, end, scratch);
      continue;
    }
    const char* const start = at;
    while (at != end && *at != '\\') ++at;
    scratch.Raw(Between(start, at));
  }
  return scratch.view();
}

}  // namespace isotel

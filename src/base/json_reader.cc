#include "base/json_reader.h"

#include "base/characters.h"
#include "base/json_text.h"

namespace isotel {
namespace {

// Returns the value of a hexadecimal digit, or 16 for another character.
uint32_t HexDigit(char c) {
  if (IsDigit(c)) return static_cast<uint32_t>(c - '0');
  const char lower = Lower(c);
  return lower >= 'a' && lower <= 'f' ? static_cast<uint32_t>(lower - 'a' + 10) : 16;
}

bool IsJsonSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

const char* SkipSpace(const char* at, const char* end) {
  while (at != end && IsJsonSpace(*at)) ++at;
  return at;
}

std::string_view Between(const char* start, const char* end) { return {start, static_cast<size_t>(end - start)}; }

class Checker {
 public:
  explicit Checker(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  bool Value(uint32_t depth) {
    const char first = Next();
    if (first == '{' || first == '[') return depth < kMaxJsonDepth && Container(first == '{', depth);
    if (first == '"') return String();
    if (first == 't') return Word("true");
    if (first == 'f') return Word("false");
    if (first == 'n') return Word("null");
    return Number();
  }
  bool IsDone() {
    (void)Next();
    return at_ == end_;
  }

 private:
  // Skips space. Returns the next character, or 0 at the end.
  char Next() {
    at_ = SkipSpace(at_, end_);
    return Here();
  }
  [[nodiscard]] char Here() const { return at_ == end_ ? '\0' : *at_; }
  bool Take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool Word(const char* word) {
    for (; *word != '\0'; ++word) {
      if (!Take(*word)) return false;
    }
    return true;
  }
  bool Digits() {
    const char* const start = at_;
    while (IsDigit(Here())) ++at_;
    return at_ != start;
  }
  bool Number() {
    (void)Take('-');
    if (!Take('0') && !Digits()) return false;
    if (Take('.') && !Digits()) return false;
    if (!Take('e') && !Take('E')) return true;
    if (!Take('+')) (void)Take('-');
    return Digits();
  }
  bool String() {
    ++at_;
    for (;;) {
      at_ += PlainBytes(Between(at_, end_));
      if (Take('"')) return true;
      if (!Take('\\') || !Escape()) return false;
    }
  }
  bool Escape() {
    const char c = Here();
    if (c == '\0') return false;
    ++at_;
    if (c != 'u') return Find("\"\\/bfnrt", c) < 8;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (HexDigit(Here()) > 15) return false;
    }
    return true;
  }
  bool Container(bool is_object, uint32_t depth) {
    ++at_;
    const char close = is_object ? '}' : ']';
    (void)Next();
    if (Take(close)) return true;
    do {
      if (is_object) {
        if (Next() != '"' || !String()) return false;
        (void)Next();
        if (!Take(':')) return false;
      }
      if (!Value(depth + 1)) return false;
      (void)Next();
    } while (Take(','));
    return Take(close);
  }

  const char* at_;
  const char* end_;
};

// Returns where a checked string at `at` ends.
const char* StringEnd(const char* at, const char* end) {
  for (++at;; at += 2) {
    at += PlainBytes(Between(at, end));
    if (*at == '"') return at + 1;
  }
}

// Returns where a checked value at `at` ends.
const char* ValueEnd(const char* at, const char* end) {
  uint32_t depth = 0;
  do {
    const char c = *at;
    if (c == '"') {
      at = StringEnd(at, end);
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++at;
    // The rest of a number or a word, or space.
    while (at != end && *at != '"' && *at != ',' && *at != '{' && *at != '[' && *at != '}' && *at != ']') ++at;
  } while (depth > 0);
  return at;
}

// Reads four digits.
uint32_t CodeUnit(const char* at) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; ++i) unit = unit << 4 | HexDigit(at[i]);
  return unit;
}

void WriteUtf8(uint32_t point, ByteWriter& out) {
  if (point < 0x80) return out.Byte(static_cast<uint8_t>(point));
  uint32_t shift = point < 0x800 ? 6 : point < 0x10000 ? 12 : 18;
  // The lead byte has as many ones as the character has bytes.
  out.Byte(static_cast<uint8_t>((0xF00 >> (shift / 6 + 1) & 0xFF) | point >> shift));
  while (shift > 0) {
    shift -= 6;
    out.Byte(static_cast<uint8_t>(0x80 | (point >> shift & 0x3F)));
  }
}

// Writes the character of the escape at `at`, behind the backslash. Returns where the escape ends.
const char* WriteCharacter(const char* at, const char* end, ByteWriter& out) {
  constexpr std::string_view kLetters = "bfnrt";
  constexpr std::string_view kMeant = "\b\f\n\r\t";
  constexpr uint32_t kReplacement = 0xFFFD;
  if (*at != 'u') {
    const size_t letter = Find(kLetters, *at);
    out.Byte(static_cast<uint8_t>(letter < kLetters.size() ? kMeant[letter] : *at));
    return at + 1;
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

bool IsJsonArray(std::string_view text) {
  while (!text.empty() && IsJsonSpace(text.front())) text.remove_prefix(1);
  return text.starts_with('[');
}

JsonItems::JsonItems(std::string_view container) : at_(container.data()), end_(at_ + container.size()) {
  at_ = SkipSpace(at_, end_);
  at_ = at_ != end_ && (*at_ == '{' || *at_ == '[') ? at_ + 1 : end_;
}

bool JsonItems::Next() {
  // After a value comes a comma or the end.
  at_ = SkipSpace(at_, end_);
  if (at_ != end_ && *at_ == ',') at_ = SkipSpace(at_ + 1, end_);
  if (at_ == end_ || *at_ == ']' || *at_ == '}') return false;
  const char* start = at_;
  at_ = ValueEnd(at_, end_);
  const char* const after = SkipSpace(at_, end_);
  if (after != end_ && *after == ':') {
    name_ = Between(start + 1, at_ - 1);
    start = SkipSpace(after + 1, end_);
    at_ = ValueEnd(start, end_);
  }
  const char* end = at_;
  while (IsJsonSpace(end[-1])) --end;
  value_ = Between(start, end);
  return true;
}

std::string_view JsonCharacters(std::string_view string, ByteWriter& scratch) {
  const std::string_view inside = string.substr(1, string.size() - 2);
  const char* at = inside.data();
  const char* const end = at + inside.size();
  size_t plain = PlainBytes(inside);
  if (plain == inside.size()) return inside;
  scratch.Clear();
  for (;;) {
    scratch.Raw({at, plain});
    at += plain;
    if (at == end) return scratch.view();
    at = WriteCharacter(at + 1, end, scratch);
    plain = PlainBytes(Between(at, end));
  }
}

}  // namespace isotel

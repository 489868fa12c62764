#include "base/utf8.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace isotel {
namespace {

std::string Bytes(std::initializer_list<uint32_t> bytes) {
  std::string text;
  for (const uint32_t byte : bytes) text += static_cast<char>(static_cast<uint8_t>(byte));
  return text;
}

std::string Encode(uint32_t code_point) {
  const auto tail = [&](uint32_t shift) { return 0x80 | ((code_point >> shift) & 0x3F); };
  if (code_point < 0x80) return Bytes({code_point});
  if (code_point < 0x800) return Bytes({0xC0 | (code_point >> 6), tail(0)});
  if (code_point < 0x10000) return Bytes({0xE0 | (code_point >> 12), tail(6), tail(0)});
  return Bytes({0xF0 | (code_point >> 18), tail(12), tail(6), tail(0)});
}

// The first and last characters of each length, and some between.
const std::vector<uint32_t> kCharacters{0x00,    0x41,    0x7F,    0x80,    0xE9,     0x7FF,   0x800,
                                        0x1000,  0x20AC,  0xD7FF,  0xE000,  0xFFFD,   0xFFFF,  0x10000,
                                        0x1F600, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF};

TEST_CASE("A text that fits is not cut") {
  CHECK(CutAtCharacter("", 0) == 0);
  CHECK(CutAtCharacter("", 64) == 0);
  CHECK(CutAtCharacter("abc", 3) == 3);
  CHECK(CutAtCharacter("abc", SIZE_MAX) == 3);
  CHECK(CutAtCharacter("\xE2\x82\xAC", 3) == 3);
}

TEST_CASE("A cut is the longest prefix of whole characters within the limit") {
  for (const uint32_t first : kCharacters) {
    for (const uint32_t second : kCharacters) {
      for (const uint32_t third : {0x41U, 0xE9U, 0x20ACU, 0x1F600U}) {
        const std::vector<std::string> characters{Encode(first), Encode(second), Encode(third)};
        const std::string text = characters[0] + characters[1] + characters[2];
        for (size_t limit = 0; limit <= text.size(); ++limit) {
          size_t expected = 0;
          for (const std::string& character : characters) {
            if (expected + character.size() > limit) break;
            expected += character.size();
          }
          CAPTURE(first);
          CAPTURE(second);
          CAPTURE(limit);
          REQUIRE(CutAtCharacter(text, limit) == expected);
        }
      }
    }
  }
}

TEST_CASE("A cut inside the very first character leaves nothing") {
  for (size_t limit = 0; limit < 4; ++limit) CHECK(CutAtCharacter("\xF0\x9F\x98\x80", limit) == 0);
  CHECK(CutAtCharacter("\xC3\xA9", 1) == 0);
}

TEST_CASE("A run of stray continuation bytes is cut at the limit") {
  const std::string stray(200, '\x80');
  CHECK(CutAtCharacter(stray, 0) == 0);
  CHECK(CutAtCharacter(stray, 2) == 2);
  CHECK(CutAtCharacter(stray, 64) == 64);
  CHECK(CutAtCharacter("a" + stray, 64) == 64);
}

TEST_CASE("Every code point that is no surrogate is valid UTF-8") {
  for (uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    if (IsValidUtf8(Encode(code_point)) == surrogate) FAIL("wrong answer for code point " << code_point);
  }
}

// The three-byte rows of Unicode 15, table 3-7, as the ranges it prints.
bool IsThreeByteRow(uint32_t a, uint32_t b, uint32_t c) {
  if (c < 0x80 || c > 0xBF) return false;
  if (a == 0xE0) return b >= 0xA0 && b <= 0xBF;
  if (a == 0xED) return b >= 0x80 && b <= 0x9F;
  return a >= 0xE1 && a <= 0xEF && b >= 0x80 && b <= 0xBF;
}

TEST_CASE("Sequences of up to three bytes are valid exactly where table 3-7 says so") {
  for (uint32_t a = 0x80; a <= 0xFF; ++a) {
    if (IsValidUtf8(Bytes({a}))) FAIL("valid alone: " << a);
    for (uint32_t b = 0; b <= 0xFF; ++b) {
      const bool two = a >= 0xC2 && a <= 0xDF && b >= 0x80 && b <= 0xBF;
      if (IsValidUtf8(Bytes({a, b})) != two) FAIL("two bytes: " << a << ' ' << b);
      for (const uint32_t c : {0x00U, 0x7FU, 0x80U, 0x9FU, 0xBFU, 0xC0U, 0xFFU}) {
        const bool valid = IsThreeByteRow(a, b, c) || (two && c < 0x80);
        if (IsValidUtf8(Bytes({a, b, c})) != valid) FAIL("three bytes: " << a << ' ' << b << ' ' << c);
      }
    }
  }
}

TEST_CASE("Overlong forms, surrogates and code points above U+10FFFF are not UTF-8") {
  CHECK_FALSE(IsValidUtf8(Bytes({0xC0, 0x80})));
  CHECK_FALSE(IsValidUtf8(Bytes({0xC1, 0xBF})));
  CHECK_FALSE(IsValidUtf8(Bytes({0xE0, 0x9F, 0xBF})));
  CHECK_FALSE(IsValidUtf8(Bytes({0xF0, 0x8F, 0xBF, 0xBF})));
  CHECK_FALSE(IsValidUtf8(Bytes({0xED, 0xA0, 0x80})));
  CHECK_FALSE(IsValidUtf8(Bytes({0xED, 0xBF, 0xBF})));
  CHECK_FALSE(IsValidUtf8(Bytes({0xF4, 0x90, 0x80, 0x80})));
  CHECK_FALSE(IsValidUtf8(Bytes({0xF5, 0x80, 0x80, 0x80})));
  CHECK_FALSE(IsValidUtf8(Bytes({0xFF})));
}

TEST_CASE("A sequence that ends early is not UTF-8") {
  for (const uint32_t code_point : kCharacters) {
    const std::string text = Encode(code_point);
    for (size_t length = 1; length < text.size(); ++length) {
      CAPTURE(code_point);
      CHECK_FALSE(IsValidUtf8(std::string_view(text).substr(0, length)));
      CHECK_FALSE(IsValidUtf8(text.substr(0, length) + "a"));
    }
  }
}

TEST_CASE("A fourth byte outside 80 to BF is not UTF-8") {
  CHECK(IsValidUtf8(Bytes({0xF1, 0x80, 0x80, 0xBF})));
  CHECK_FALSE(IsValidUtf8(Bytes({0xF1, 0x80, 0x80, 0xC0})));
  CHECK_FALSE(IsValidUtf8(Bytes({0xF1, 0x80, 0x7F, 0x80})));
}

}  // namespace
}  // namespace isotel

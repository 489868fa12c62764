#include "base/number_text.h"

#include <doctest/doctest.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "../metrics/metrics_double.h"

namespace isotel {
namespace {

std::string Text(double value, NumberStyle style = NumberStyle::kShort) {
  char text[kMaxNumberBytes];
  return {text, static_cast<size_t>(WriteDouble(value, style, text) - text)};
}

// Compares digits and exponent with the standard library and reads the text back.
bool Agrees(double value) {
  char expected[40] = {};
  const auto [end, error] =
      std::to_chars(expected, expected + sizeof expected - 1, value, std::chars_format::scientific);
  std::string digits;
  const char* at = expected;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits += *at;
  }
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  const Decimal decimal = ShortestDecimal(value);
  const std::string mine = std::to_string(decimal.digits);
  const int exponent = decimal.exponent + static_cast<int>(mine.size()) - 1;
  const std::string text = Text(value);
  double back = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), back);
  return error == std::errc() && mine == digits && exponent == std::atoi(at + 1) && back == value &&
         read.ptr == text.data() + text.size() && end != nullptr;
}

TEST_CASE("Random doubles are written like the standard library writes them and read back the same") {
  std::mt19937_64 random(1);
  const int rounds = 500'000 * metrics::Effort("ISOTEL_PROPERTY_EFFORT");
  for (int i = 0; i < rounds; ++i) {
    const uint64_t bits = random() & ~(uint64_t{1} << 63);
    double any = 0;
    std::memcpy(&any, &bits, sizeof any);
    if (std::isfinite(any) && any > 0) REQUIRE(Agrees(any));
    const double sum = static_cast<double>(random() >> 11) / 1'000;
    if (sum > 0) REQUIRE(Agrees(sum));
    const double decimal = static_cast<double>(1 + random() % 1'000'000) * 1e-3;
    REQUIRE(Agrees(decimal));
  }
}

TEST_CASE("Powers of two and of ten and their neighbours are written shortest") {
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    const double power = std::ldexp(1.0, exponent);
    REQUIRE(Agrees(power));
    REQUIRE(Agrees(std::nextafter(power, 1e308)));
    if (exponent > -1074) REQUIRE(Agrees(std::nextafter(power, 0)));
  }
  for (int exponent = -323; exponent <= 308; ++exponent) {
    double power = 0;
    std::string text("1e");
    text += std::to_string(exponent);
    std::from_chars(text.data(), text.data() + text.size(), power);
    REQUIRE(Agrees(power));
    REQUIRE(Agrees(std::nextafter(power, 1e308)));
    REQUIRE(Agrees(std::nextafter(power, 0)));
  }
  CHECK(Agrees(std::numeric_limits<double>::max()));
  CHECK(Agrees(5e-324));
  CHECK(Agrees(2.2250738585072014e-308));
}

TEST_CASE("Numbers are positional where people expect it") {
  CHECK(Text(0) == "0");
  CHECK(Text(1) == "1");
  CHECK(Text(-1.5) == "-1.5");
  CHECK(Text(0.005) == "0.005");
  CHECK(Text(1e-7) == "0.0000001");
  CHECK(Text(1.5e-8) == "1.5e-08");
  CHECK(Text(9007199254740991.0) == "9007199254740991");
  CHECK(Text(9007199254740994.0) == "9007199254740994");
  CHECK(Text(123456789012345680000.0) == "123456789012345680000");
  CHECK(Text(1e21) == "1e+21");
  CHECK(Text(1.25e300) == "1.25e+300");
  CHECK(Text(std::numeric_limits<double>::infinity()) == "+Inf");
  CHECK(Text(-std::numeric_limits<double>::infinity()) == "-Inf");
  CHECK(Text(std::nan("")) == "NaN");
}

TEST_CASE("The float style has a fraction or an exponent") {
  CHECK(Text(1, NumberStyle::kFloat) == "1.0");
  CHECK(Text(0.5, NumberStyle::kFloat) == "0.5");
  CHECK(Text(1e20, NumberStyle::kFloat) == "100000000000000000000.0");
  CHECK(Text(1e21, NumberStyle::kFloat) == "1e+21");
}

TEST_CASE("Integers are written whole") {
  char text[kMaxNumberBytes];
  const auto write = [&](uint64_t value) {
    return std::string(text, static_cast<size_t>(WriteUint(value, text) - text));
  };
  const auto write_int = [&](int64_t value) {
    return std::string(text, static_cast<size_t>(WriteInt(value, text) - text));
  };
  for (const uint64_t value :
       {uint64_t{0}, uint64_t{9}, uint64_t{10}, uint64_t{4294967295}, uint64_t{4294967296}, UINT64_MAX}) {
    CHECK(write(value) == std::to_string(value));
  }
  for (const int64_t value : {int64_t{0}, int64_t{-1}, INT64_MIN, INT64_MAX})
    CHECK(write_int(value) == std::to_string(value));
}

}  // namespace
}  // namespace isotel

#include "metrics/sum.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace isotel::metrics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Sum Total(const std::vector<double>& parts) {
  Sum total;
  for (const double part : parts) total.Add(Sum::From(part));
  return total;
}

TEST_CASE("A sum of doubles has the same bits in any order and grouping") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> parts;
    for (int i = 0; i < 50; ++i) {
      parts.push_back(std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(random() % 60) - 90) *
                      (random() % 4 == 0 ? -1 : 1));
    }
    const Sum total = Total(parts);
    std::shuffle(parts.begin(), parts.end(), random);
    CHECK(Total(parts) == total);
    const auto middle = parts.begin() + static_cast<std::ptrdiff_t>(random() % parts.size());
    Sum grouped = Total({parts.begin(), middle});
    grouped.Add(Total({middle, parts.end()}));
    CHECK(grouped == total);
  }
}

TEST_CASE("Doubles in the range come back as they were") {
  for (const double value : {0.0, 1.0, -1.0, 0.5, 1e15 + 0.25, 4294967295.0, 1e21, -1e21, 0x1p-56, 3 * 0x1p-50, 0x1p70,
                             -0x1.fffffffffffffp70}) {
    CHECK(Sum::From(value).ToDouble() == value);
  }
}

TEST_CASE("What is below 2^-57 is rounded away and halves go up") {
  CHECK(Sum::From(0x1p-58).ToDouble() == 0);
  CHECK(Sum::From(0x1p-57).ToDouble() == 0x1p-56);
  CHECK(Sum::From(-0x1p-57).ToDouble() == -0x1p-56);
  CHECK(Sum::From(5e-324).ToDouble() == 0);
}

TEST_CASE("Whole sums keep 64 bits, past what a double holds") {
  Sum sum = Sum::From(9007199254740992.0);
  sum.Add(Sum::From(1));
  int64_t whole = 0;
  CHECK(sum.IsWhole(whole));
  CHECK(whole == 9007199254740993);
  Sum largest = Sum::From(0x1p62);
  largest.Add(Sum::From(0x1p62));
  CHECK_FALSE(largest.IsWhole(whole));
  largest.Add(Sum::From(-1));
  CHECK(largest.IsWhole(whole));
  CHECK(whole == INT64_MAX);
  Sum least = Sum::From(-0x1p63);
  CHECK(least.IsWhole(whole));
  CHECK(whole == INT64_MIN);
  CHECK_FALSE(Sum::From(0.5).IsWhole(whole));
  CHECK_FALSE(Sum::From(kInfinity).IsWhole(whole));
}

TEST_CASE("The nearest double is taken, ties to even") {
  std::mt19937_64 random(2);
  for (int i = 0; i < 100'000; ++i) {
    const double a = std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(random() % 14));
    const double b = std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(random() % 20) - 40);
    Sum sum = Sum::From(a);
    sum.Add(Sum::From(b));
    CHECK(sum.ToDouble() == a + b);
    sum.Add(Sum::From(-2 * a));
    CHECK(sum.ToDouble() == b - a);
  }
}

TEST_CASE("A sum halfway between two doubles becomes the even one") {
  const auto above = [](double base, double more) {
    Sum sum = Sum::From(base);
    sum.Add(Sum::From(more));
    return sum.ToDouble();
  };
  CHECK(above(9007199254740992.0, 1) == 9007199254740992.0);
  CHECK(above(9007199254740994.0, 1) == 9007199254740996.0);
  CHECK(above(9007199254740992.0, 1 + 0x1p-52) == 9007199254740994.0);
  CHECK(above(-9007199254740992.0, -1) == -9007199254740992.0);
}

TEST_CASE("Infinities and NaN stay, and a sum past the range is infinite") {
  CHECK(Total({1, kInfinity}).ToDouble() == kInfinity);
  CHECK(Total({-kInfinity, 5}).ToDouble() == -kInfinity);
  CHECK(std::isnan(Total({kInfinity, -kInfinity}).ToDouble()));
  CHECK(std::isnan(Total({kInfinity, std::nan(""), 1}).ToDouble()));
  CHECK(Total({0x1p70, 0x1p70}).ToDouble() == kInfinity);
  CHECK(Total({-0x1p70, -0x1p70}).ToDouble() == -kInfinity);
  CHECK(Total({1e300}).ToDouble() == kInfinity);
  CHECK(Total({0x1p70, -0x1p70}).ToDouble() == 0);
}

TEST_CASE("A sum is 16 bytes on the wire and no others are taken") {
  for (const double value : {0.0, -2.5, 1e20, kInfinity, -kInfinity}) {
    ByteWriter writer;
    Sum::From(value).Write(writer);
    CHECK(writer.size() == 16);
    ByteReader reader(writer.view());
    CHECK(Sum::Read(reader) == Sum::From(value));
    CHECK(reader.Done());
  }
  ByteWriter writer;
  writer.Fixed64(8);
  writer.Fixed64(uint64_t{1} << 63);
  ByteReader reader(writer.view());
  (void)Sum::Read(reader);
  CHECK_FALSE(reader.ok());
}

}  // namespace
}  // namespace isotel::metrics

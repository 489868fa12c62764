// An exact sum of doubles: additions of any number of parts, in any order and grouping, give the same bits.
//
// A double is rounded once, to a multiple of 2^-56, when it becomes a Sum; from then on everything is integer
// arithmetic on 128 bits. Whole numbers up to 2^71 (2.3e21) and fractions down to 1.4e-17 are kept. What is
// larger, infinite or not a number is remembered as such: a sum past the range reads as infinite. Sums of one
// sign obey that in any order; with both signs it takes parts past 2^71 to see a difference.
#pragma once

#include <cstdint>

#include "metrics/wire.h"

namespace isotel::metrics {

class Sum {
 public:
  Sum() = default;
  static Sum From(double value);

  void Add(const Sum& other);
  /// This less `other`, exactly; this one when either is infinite or not a number.
  [[nodiscard]] Sum Minus(const Sum& other) const;
  /// The nearest double (ties to even); infinite or NaN when a part was.
  [[nodiscard]] double ToDouble() const;
  /// Whether this is a whole number an int64_t holds, then in `whole`.
  [[nodiscard]] bool IsWhole(int64_t& whole) const;

  /// 16 bytes.
  void Write(ByteWriter& writer) const {
    writer.Fixed64(low_);
    writer.Fixed64(static_cast<uint64_t>(high_));
  }
  static Sum Read(ByteReader& reader);

  friend bool operator==(const Sum&, const Sum&) = default;

 private:
  // Two's complement in units of 2^-56. kSpecial in `high_` makes `low_` a set of the flags below.
  static constexpr int64_t kSpecial = INT64_MIN;
  static constexpr uint64_t kPositiveInfinity = 1;
  static constexpr uint64_t kNegativeInfinity = 2;
  static constexpr uint64_t kNotANumber = 4;

  void SetSpecial(uint64_t flags) {
    high_ = kSpecial;
    low_ = flags;
  }

  uint64_t low_ = 0;
  int64_t high_ = 0;
};

}  // namespace isotel::metrics

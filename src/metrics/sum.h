// An exact sum of doubles: adding the same parts in any order and grouping gives the same bits.
//
// From() rounds a double once, to a multiple of 2^-56. All further arithmetic is on 128-bit integers. Whole numbers up
// to 2^71 (2.3e21) and fractions down to 1.4e-17 are exact. A sum past that range is infinite; infinite and NaN parts
// are remembered. The order of additions matters only for parts of both signs past 2^71.
#pragma once

#include <cstdint>

#include "base/wire.h"

namespace isotel::metrics {

class Sum {
 public:
  Sum() = default;
  static Sum From(double value);

  void Add(const Sum& other);
  /// Returns this sum minus `other`, exactly. Returns this sum when either is infinite or NaN.
  [[nodiscard]] Sum Minus(const Sum& other) const;
  /// Returns the nearest double (ties to even); infinite or NaN when a part was.
  [[nodiscard]] double ToDouble() const;
  /// Returns whether this is a whole number within int64_t, and sets `whole` to it.
  [[nodiscard]] bool IsWhole(int64_t& whole) const;

  /// Writes 16 bytes.
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

#include "metrics/sum.h"

#include <bit>
#include <cmath>
#include <limits>

namespace isotel::metrics {
namespace {

constexpr int kFractionBits = 56;
constexpr int kMantissaBits = 52;
constexpr int kExponentBias = 1075;
constexpr uint64_t kMantissaMask = (uint64_t{1} << kMantissaBits) - 1;

}  // namespace

Sum Sum::From(double value) {
  Sum sum;
  const auto bits = BitsOf(value);
  const bool negative = (bits >> 63) != 0;
  const int biased = static_cast<int>((bits >> kMantissaBits) & 0x7FF);
  uint64_t mantissa = bits & kMantissaMask;
  if (biased == 0x7FF && mantissa != 0) {
    sum.SetSpecial(kNotANumber);
    return sum;
  }
  mantissa |= uint64_t{biased != 0} << kMantissaBits;
  // value = mantissa * 2^(shift - 56)
  const int shift = (biased == 0 ? 1 : biased) - kExponentBias + kFractionBits;
  if (shift > 126 - kMantissaBits) {
    sum.SetSpecial(negative ? kNegativeInfinity : kPositiveInfinity);
    return sum;
  }
  uint64_t high = 0;
  uint64_t low = 0;
  if (shift >= 64) {
    high = mantissa << (shift - 64);
  } else if (shift > 0) {
    high = mantissa >> (64 - shift);
    low = mantissa << shift;
  } else if (shift > -kMantissaBits - 2) {
    const int right = -shift;
    low = right == 0 ? mantissa : ((mantissa >> (right - 1)) + 1) >> 1;
  }
  if (negative) {
    high = ~high + (low == 0 ? 1 : 0);
    low = ~low + 1;
  }
  sum.low_ = low;
  sum.high_ = static_cast<int64_t>(high);
  return sum;
}

void Sum::Add(const Sum& other) {
  if (high_ == kSpecial || other.high_ == kSpecial) {
    SetSpecial((high_ == kSpecial ? low_ : 0) | (other.high_ == kSpecial ? other.low_ : 0));
    return;
  }
  const uint64_t low = low_ + other.low_;
  const bool carry = low < low_;
  const int64_t high =
      static_cast<int64_t>(static_cast<uint64_t>(high_) + static_cast<uint64_t>(other.high_) + (carry ? 1 : 0));
  const bool overflow = (high_ < 0) == (other.high_ < 0) && (high < 0) != (high_ < 0);
  if (overflow || high == kSpecial) {
    SetSpecial(high_ < 0 ? kNegativeInfinity : kPositiveInfinity);
    return;
  }
  low_ = low;
  high_ = high;
}

Sum Sum::Minus(const Sum& other) const {
  if (high_ == kSpecial || other.high_ == kSpecial) return *this;
  Sum negative;
  negative.low_ = ~other.low_ + 1;
  negative.high_ = static_cast<int64_t>(~static_cast<uint64_t>(other.high_) + (other.low_ == 0 ? 1 : 0));
  Sum difference = *this;
  difference.Add(negative);
  return difference;
}

double Sum::ToDouble() const {
  if (high_ == kSpecial) {
    if (low_ == kPositiveInfinity) return std::numeric_limits<double>::infinity();
    if (low_ == kNegativeInfinity) return -std::numeric_limits<double>::infinity();
    return std::numeric_limits<double>::quiet_NaN();
  }
  auto high = static_cast<uint64_t>(high_);
  uint64_t low = low_;
  if (high_ < 0) {
    high = ~high + (low == 0 ? 1 : 0);
    low = ~low + 1;
  }
  // `high` gets the top 64 bits, and its last bit is set when lower bits are. It then rounds as all 128 bits would.
  int exponent = 64 - kFractionBits;
  if (high == 0) {
    high = low;
    low = 0;
    exponent -= 64;
  }
  if (high == 0) return 0;
  const int zeros = std::countl_zero(high);
  if (zeros > 0) {
    high = (high << zeros) | (low >> (64 - zeros));
    low <<= zeros;
    exponent -= zeros;
  }
  high |= uint64_t{low != 0};
  constexpr int kDropped = 64 - kMantissaBits - 1;
  constexpr uint64_t kHalf = uint64_t{1} << (kDropped - 1);
  uint64_t mantissa = high >> kDropped;
  const uint64_t dropped = high & (2 * kHalf - 1);
  if (dropped > kHalf || (dropped == kHalf && (mantissa & 1) != 0)) ++mantissa;
  const double magnitude = std::ldexp(static_cast<double>(mantissa), exponent + kDropped);
  return high_ < 0 ? -magnitude : magnitude;
}

bool Sum::IsWhole(int64_t& whole) const {
  constexpr int64_t kHighLimit = int64_t{1} << (kFractionBits - 1);
  if ((low_ & ((uint64_t{1} << kFractionBits) - 1)) != 0 || high_ >= kHighLimit || high_ < -kHighLimit) return false;
  whole = static_cast<int64_t>((static_cast<uint64_t>(high_) << (64 - kFractionBits)) | (low_ >> kFractionBits));
  return true;
}

Sum Sum::Read(ByteReader& reader) {
  Sum sum;
  sum.low_ = reader.Fixed64();
  sum.high_ = static_cast<int64_t>(reader.Fixed64());
  if (sum.high_ == kSpecial && (sum.low_ == 0 || sum.low_ > 7)) reader.Fail();
  return sum;
}

}  // namespace isotel::metrics

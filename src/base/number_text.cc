#include "base/number_text.h"

#include <bit>

#include "base/wide.h"
#include "base/wire.h"

namespace isotel {
namespace {

constexpr int kStep = 27;
constexpr int kFirstPower = -297;

// floor(10^k * 2^(127 - floor(log2(10^k)))) for every 27th k.
constexpr Wide kPowers[] = {
    {0xA76C582338ED2621U, 0xAF2AF2B80AF6F24EU},  // 10^-297
    {0x873E4F75E2224E68U, 0x5A7744A6E804A291U},  // 10^-270
    {0xDA7F5BF590966848U, 0xAF39A475506A899EU},  // 10^-243
    {0xB080392CC4349DECU, 0xBD8D794D96AACFB3U},  // 10^-216
    {0x8E938662882AF53EU, 0x547EB47B7282EE9CU},  // 10^-189
    {0xE65829B3046B0AFAU, 0x0CB4A5A3112A5112U},  // 10^-162
    {0xBA121A4650E4DDEBU, 0x92F34D62616CE413U},  // 10^-135
    {0x964E858C91BA2655U, 0x3A6A07F8D510F86FU},  // 10^-108
    {0xF2D56790AB41C2A2U, 0xFAE27299423FB9C3U},  // 10^-81
    {0xC428D05AA4751E4CU, 0xAA97E14C3C26B886U},  // 10^-54
    {0x9E74D1B791E07E48U, 0x775EA264CF55347DU},  // 10^-27
    {0x8000000000000000U, 0x0000000000000000U},  // 10^0
    {0xCECB8F27F4200F3AU, 0x0000000000000000U},  // 10^27
    {0xA70C3C40A64E6C51U, 0x999090B65F67D924U},  // 10^54
    {0x86F0AC99B4E8DAFDU, 0x69A028BB3DED71A3U},  // 10^81
    {0xDA01EE641A708DE9U, 0xE80E6F4820CC9495U},  // 10^108
    {0xB01AE745B101E9E4U, 0x5EC05DCFF72E7F8FU},  // 10^135
    {0x8E41ADE9FBEBC27DU, 0x14588F13BE847307U},  // 10^162
    {0xE5D3EF282A242E81U, 0x8F1668C8A86DA5FAU},  // 10^189
    {0xB9A74A0637CE2EE1U, 0x6D953E2BD7173692U},  // 10^216
    {0x95F83D0A1FB69CD9U, 0x4ABDAF101564F98EU},  // 10^243
    {0xF24A01A73CF2DCCFU, 0xBC633B39673C8CECU},  // 10^270
    {0xC3B8358109E84F07U, 0x0A862F80EC4700C8U},  // 10^297
    {0x9E19DB92B4E31BA9U, 0x6C07A2C26A8346D1U},  // 10^324
};

constexpr int FloorLog2OfPowerOfTen(int exponent) { return (exponent * 1741647) >> 19; }
constexpr int FloorLog10OfPowerOfTwo(int exponent) { return (exponent * 1262611) >> 22; }
// The same for 3/4 of the power.
constexpr int FloorLog10OfThreeQuarters(int exponent) { return (exponent * 1262611 - 524031) >> 22; }

// Returns 10^k in 128 bits, at most 3 units in the last place above the exact value. The algorithm allows 4.
Wide PowerOfTen(int k) {
  const int index = (k - kFirstPower) / kStep;
  Wide power = kPowers[index];
  uint64_t factor = 1;
  for (int i = kFirstPower + index * kStep; i < k; ++i) factor *= 5;
  if (factor > 1) {
    // The top 128 of the 192 bits of power * factor.
    const Wide low = Multiply(power.low, factor);
    const Wide high = Multiply(power.high, factor);
    uint64_t words[3] = {high.high, high.low + low.high, low.low};
    if (words[1] < high.low) ++words[0];
    const int zeros = std::countl_zero(words[0]);
    power.high = zeros == 0 ? words[0] : (words[0] << zeros) | (words[1] >> (64 - zeros));
    power.low = zeros == 0 ? words[1] : (words[1] << zeros) | (words[2] >> (64 - zeros));
  }
  const uint64_t low = power.low + 3;
  if (low < power.low) ++power.high;
  power.low = low;
  return power;
}

// Returns floor(power * factor / 2^128), with the last bit set when the division has a remainder.
uint64_t RoundToOdd(const Wide& power, uint64_t factor) {
  const Wide low = Multiply(power.low, factor);
  const Wide high = Multiply(power.high, factor);
  const uint64_t middle = high.low + low.high;
  return (high.high + (middle < high.low ? 1 : 0)) | (middle > 1 ? 1 : 0);
}

char* WriteZeros(char* out, int count) {
  for (; count > 0; --count) *out++ = '0';
  return out;
}

char* WriteText(char* out, const char* text, size_t size) {
  CopyBytes(out, text, size);
  return out + size;
}

constexpr uint32_t kBillion = 1'000'000'000;
constexpr int kBillionDigits = 9;

// Writes the last `count` digits, padded with leading zeros.
char* WriteDigits(uint32_t value, int count, char* out) {
  for (char* at = out + count; at != out; value /= 10) *--at = static_cast<char>('0' + value % 10);
  return out + count;
}

// Writes a number below 10^9 in place: counting its digits first is cheaper than copying them.
char* WriteSmall(uint32_t value, char* out) {
  int count = 1;
  for (uint32_t limit = 10; value >= limit && count < kBillionDigits; limit *= 10) ++count;
  return WriteDigits(value, count, out);
}

}  // namespace

Decimal ShortestDecimal(double value) {
  constexpr int kMantissaBits = 52;
  constexpr int kBias = 1075;
  const auto bits = BitsOf(value);
  const uint64_t fraction = bits & ((uint64_t{1} << kMantissaBits) - 1);
  const int biased = static_cast<int>((bits >> kMantissaBits) & 0x7FF);
  const uint64_t c = biased == 0 ? fraction : fraction | (uint64_t{1} << kMantissaBits);
  const int q = (biased == 0 ? 1 : biased) - kBias;

  // The interval of numbers that parse as `value`, in quarters of its unit. It is closed when the mantissa is even.
  const bool even = (c & 1) == 0;
  const bool lower_is_closer = fraction == 0 && biased > 1;
  const uint64_t centre = 4 * c;
  const uint64_t left = centre - 2 + (lower_is_closer ? 1 : 0);
  const uint64_t right = centre + 2;
  const int k = lower_is_closer ? FloorLog10OfThreeQuarters(q) : FloorLog10OfPowerOfTwo(q);
  const int shift = q + FloorLog2OfPowerOfTen(-k) + 1;
  const Wide power = PowerOfTen(-k);
  const uint64_t scaled = RoundToOdd(power, centre << shift);
  const uint64_t lower = RoundToOdd(power, left << shift) + (even ? 0 : 1);
  const uint64_t upper = RoundToOdd(power, right << shift) - (even ? 0 : 1);

  Decimal decimal{scaled / 4, k};
  const uint64_t shorter = decimal.digits / 10;
  const bool shorter_low = lower <= 40 * shorter;
  const bool shorter_high = 40 * shorter + 40 <= upper;
  if (decimal.digits >= 10 && shorter_low != shorter_high) {
    decimal = {shorter + (shorter_high ? 1 : 0), k + 1};
  } else {
    const uint64_t s = decimal.digits;
    const bool low_inside = lower <= 4 * s;
    const bool high_inside = 4 * s + 4 <= upper;
    const uint64_t half = 4 * s + 2;
    const bool nearer_high = scaled > half || (scaled == half && (s & 1) != 0);
    decimal.digits += (low_inside != high_inside ? high_inside : nearer_high) ? 1 : 0;
  }
  while (decimal.digits % 10 == 0) {
    decimal.digits /= 10;
    ++decimal.exponent;
  }
  return decimal;
}

char* WriteUint(uint64_t value, char* out) {
  // 64-bit division is slow, and most numbers need none.
  if (value < kBillion) return WriteSmall(static_cast<uint32_t>(value), out);
  const uint64_t high = value / kBillion;
  if (high < kBillion) {
    out = WriteSmall(static_cast<uint32_t>(high), out);
  } else {
    out = WriteSmall(static_cast<uint32_t>(high / kBillion), out);
    out = WriteDigits(static_cast<uint32_t>(high % kBillion), kBillionDigits, out);
  }
  return WriteDigits(static_cast<uint32_t>(value % kBillion), kBillionDigits, out);
}

char* WriteInt(int64_t value, char* out) {
  if (value >= 0) return WriteUint(static_cast<uint64_t>(value), out);
  *out++ = '-';
  return WriteUint(~static_cast<uint64_t>(value) + 1, out);
}

char* WriteDouble(double value, NumberStyle style, char* out) {
  if (value != value) return WriteText(out, "NaN", 3);
  if (value - value != 0) return WriteText(out, value < 0 ? "-Inf" : "+Inf", 4);
  if (value < 0) {
    *out++ = '-';
    value = -value;
  }
  const bool whole = value < kMaxExactInteger && static_cast<double>(static_cast<int64_t>(value)) == value;
  if (whole) {
    out = WriteUint(static_cast<uint64_t>(value), out);
    return style == NumberStyle::kFloat ? WriteText(out, ".0", 2) : out;
  }

  const Decimal decimal = ShortestDecimal(value);
  char digits[20];
  const int count = static_cast<int>(WriteUint(decimal.digits, digits) - digits);
  // The value is 0.digits * 10^point.
  const int point = count + decimal.exponent;
  if (point > 21 || point < -6) {
    *out++ = digits[0];
    if (count > 1) {
      *out++ = '.';
      out = WriteText(out, digits + 1, static_cast<size_t>(count - 1));
    }
    *out++ = 'e';
    *out++ = point > 0 ? '+' : '-';
    const int exponent = point > 0 ? point - 1 : 1 - point;
    if (exponent < 10) *out++ = '0';
    return WriteUint(static_cast<uint64_t>(exponent), out);
  }
  if (point <= 0) {
    out = WriteZeros(WriteText(out, "0.", 2), -point);
    return WriteText(out, digits, static_cast<size_t>(count));
  }
  if (point < count) {
    out = WriteText(out, digits, static_cast<size_t>(point));
    *out++ = '.';
    return WriteText(out, digits + point, static_cast<size_t>(count - point));
  }
  out = WriteZeros(WriteText(out, digits, static_cast<size_t>(count)), point - count);
  return style == NumberStyle::kFloat ? WriteText(out, ".0", 2) : out;
}

}  // namespace isotel

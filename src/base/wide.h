// Helpers that older standard libraries lack: 64 x 64 -> 128 bit multiplication, and the bits of a double.
#pragma once

#include <cstdint>
#include <cstring>

namespace isotel {

/// libc++ 14 has no std::bit_cast.
[[nodiscard]] inline uint64_t BitsOf(double value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
[[nodiscard]] inline double DoubleOf(uint64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct Wide {
  uint64_t high;
  uint64_t low;
};

[[nodiscard]] constexpr Wide Multiply(uint64_t a, uint64_t b) {
  constexpr uint64_t kMask = 0xFFFFFFFF;
  const uint64_t low = (a & kMask) * (b & kMask);
  const uint64_t middle = (a >> 32) * (b & kMask) + (low >> 32);
  const uint64_t other = (a & kMask) * (b >> 32) + (middle & kMask);
  return {(a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32), (other << 32) | (low & kMask)};
}

}  // namespace isotel

// What the fuzz targets share: a way to fail and a way to read arguments from the input.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace isotel::fuzz {

inline void Require(bool holds) {
  if (!holds) __builtin_trap();
}

/// Hands out the input from its start; past its end everything is zero.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  [[nodiscard]] bool empty() const { return left_ == 0; }
  void Read(void* target, size_t size) {
    const size_t taken = std::min(left_, size);
    if (taken > 0) std::memcpy(target, data_, taken);
    data_ += taken;
    left_ -= taken;
  }
  template <typename T>
  T Take() {
    T value{};
    Read(&value, sizeof value);
    return value;
  }
  /// Small numbers as often as huge ones.
  uint32_t Number() {
    const auto value = Take<uint32_t>();
    return value >> (Take<uint8_t>() & 31U);
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

}  // namespace isotel::fuzz

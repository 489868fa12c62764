// Reads and writes the primitives of the binary formats: little-endian fixed words, LEB128 varints and bytes with their
// length in front.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/wide.h"

namespace isotel {

static_assert(std::endian::native == std::endian::little, "fixed words are copied as they stand");

/// Copies bytes that do not overlap. Most copies are short, and a call into the C library of a Wasm module costs more.
inline void CopyBytes(char* to, const char* from, size_t size) {
  if (size < 8) {
    for (; size > 0; --size) *to++ = *from++;
    return;
  }
  size_t at = 0;
  for (; at + 16 <= size; at += 16) std::memcpy(to + at, from + at, 16);
  if (at + 8 <= size) std::memcpy(to + at, from + at, 8);
  // The last word may overlap the one before.
  std::memcpy(to + size - 8, from + size - 8, 8);
}

template <size_t N>
[[nodiscard]] std::string_view BytesOf(const std::array<uint8_t, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

/// Compares words, for the same reason.
[[nodiscard]] bool SameBytes(std::string_view a, std::string_view b);

/// A growing buffer. Writing never fails. Views on it are valid until the next write.
class ByteWriter {
 public:
  void Clear() { size_ = 0; }
  /// Forgets everything after the first `size` bytes.
  void Truncate(size_t size) { size_ = size; }
  /// Replaces the Fixed32() at offset `at`.
  void PatchFixed32(size_t at, uint32_t value) { std::memcpy(data_.get() + at, &value, sizeof value); }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }
  [[nodiscard]] char* data() { return data_.get(); }

  /// Returns how many bytes fit without growing.
  [[nodiscard]] size_t room() const { return capacity_ - size_; }
  /// Returns room for `bytes` more bytes. The caller writes there and then calls Advance().
  char* Reserve(size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(bytes);
    return data_.get() + size_;
  }
  void Advance(size_t bytes) { size_ += bytes; }

  void Byte(uint8_t value);
  void Raw(std::string_view bytes);
  void Fixed32(uint32_t value);
  void Fixed64(uint64_t value);
  void Double(double value) { Fixed64(BitsOf(value)); }
  void Varint(uint64_t value);
  /// Zigzag encoding: small magnitudes of either sign are short.
  void SignedVarint(int64_t value) { Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63)); }
  /// Writes the length and the bytes.
  void Bytes(std::string_view bytes) {
    Varint(bytes.size());
    Raw(bytes);
  }

 private:
  void Grow(size_t bytes);

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

/// Reads what ByteWriter wrote. A read past the end, or of a varint of more than 64 bits, fails the reader for good:
/// every later read returns zero or an empty view. So a caller may check ok() once per loop.
class ByteReader {
 public:
  ByteReader() = default;
  explicit ByteReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const { return ok_; }
  /// Returns whether everything was read and no read failed.
  [[nodiscard]] bool Done() const { return ok_ && at_ == end_; }
  [[nodiscard]] size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  [[nodiscard]] std::string_view rest() const { return {at_, remaining()}; }
  /// Fails the reader. For values that can be read but are not allowed.
  void Fail() {
    ok_ = false;
    at_ = end_;
  }

  uint8_t Byte() {
    if (at_ == end_) return Fail(), uint8_t{0};
    return static_cast<uint8_t>(*at_++);
  }
  uint64_t Fixed64();
  uint32_t Fixed32();
  double Double() { return DoubleOf(Fixed64()); }
  uint64_t Varint() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) return static_cast<uint8_t>(*at_++);
    return LongVarint();
  }
  int64_t SignedVarint() {
    const uint64_t value = Varint();
    return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  /// Adds a varint to each of `count` numbers. Only reads when `to` is null.
  void AddVarints(uint64_t* to, size_t count);
  /// Reads a varint. Fails above `max`.
  uint32_t Bounded(uint32_t max);
  std::string_view Raw(uint64_t size);
  std::string_view Bytes() { return Raw(Varint()); }

 private:
  uint64_t LongVarint();

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  bool ok_ = true;
};

/// Returns a 64-bit hash, the same on every platform. An attacker who chooses the bytes can make hashes collide.
[[nodiscard]] uint64_t Hash(std::string_view bytes);

}  // namespace isotel

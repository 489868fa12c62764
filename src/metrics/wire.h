// Reading and writing the primitives of the binary formats: little-endian fixed words, LEB128 varints and
// length-prefixed bytes. What they mean is told in export/SNAPSHOT_FORMAT.md.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "metrics/wide.h"

namespace isotel::metrics {

static_assert(std::endian::native == std::endian::little, "fixed words are copied as they stand");

/// Copies bytes that do not overlap. Short ones mostly: a call into a Wasm libc costs more than the copy.
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

/// Whether the bytes are equal, word by word for the same reason.
[[nodiscard]] bool SameBytes(std::string_view a, std::string_view b);

/// A growing buffer. Writing never fails; the views it gives are valid until the next write.
class ByteWriter {
 public:
  void Clear() { size_ = 0; }
  /// Forgets everything after the first `size` bytes.
  void Truncate(size_t size) { size_ = size; }
  /// Replaces a Fixed32() that was written at `at`.
  void PatchFixed32(size_t at, uint32_t value) { std::memcpy(data_.get() + at, &value, sizeof value); }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }
  [[nodiscard]] char* data() { return data_.get(); }

  /// How many more bytes fit without growing.
  [[nodiscard]] size_t room() const { return capacity_ - size_; }
  /// Room for `bytes` more bytes, to be written there and then counted with Advance().
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
  /// Zigzag: small magnitudes of either sign are short.
  void SignedVarint(int64_t value) { Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63)); }
  /// Length and bytes.
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

/// Reads what ByteWriter wrote. The first read past the end, or of a varint past 64 bits, makes the reader
/// fail for good: every later read answers zero or nothing and moves nothing, so that a caller may check ok()
/// once per loop.
class ByteReader {
 public:
  ByteReader() = default;
  explicit ByteReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const { return ok_; }
  /// Whether everything was read and nothing failed.
  [[nodiscard]] bool Done() const { return ok_ && at_ == end_; }
  [[nodiscard]] size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  [[nodiscard]] std::string_view rest() const { return {at_, remaining()}; }
  /// Fails the reader, for a value that is readable but not allowed.
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
  /// Adds a varint to each of `count` numbers; only reads when `to` is null.
  void AddVarints(uint64_t* to, size_t count);
  /// A varint of at most `max`.
  uint32_t Bounded(uint32_t max);
  std::string_view Raw(uint64_t size);
  std::string_view Bytes() { return Raw(Varint()); }

 private:
  uint64_t LongVarint();

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  bool ok_ = true;
};

/// A 64-bit hash of any bytes, the same on every platform. Not meant against an adversary who chooses them.
[[nodiscard]] uint64_t Hash(std::string_view bytes);

/// Every message starts with three letters that name its kind and with its format version, and ends with a checksum of
/// everything before it. A build writes the current version and reads every version since the oldest.
[[nodiscard]] uint8_t FormatVersion();
inline constexpr uint8_t kOldestFormatVersion = 1;
/// Appends a message; returns where it starts, for EndMessage().
[[nodiscard]] size_t BeginMessage(ByteWriter& writer, std::string_view magic);
void EndMessage(ByteWriter& writer, size_t start);
/// Whether the bytes are a message of this kind in a version this build cannot read yet. Nothing behind the version is
/// looked at: a newer version defines it, the checksum included.
[[nodiscard]] bool IsNewerMessage(std::string_view bytes, std::string_view magic);

/// A message that was opened. Where versions differ, whoever reads the contents decides by `version`.
struct Message {
  uint8_t version = 0;
  ByteReader contents;
};
/// kCorrupt for other letters, a cut, a wrong checksum or a version before the oldest; kUnknownVersion for a newer one.
Result<Message> OpenMessage(std::string_view bytes, std::string_view magic);

}  // namespace isotel::metrics

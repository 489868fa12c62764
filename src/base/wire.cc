#include "base/wire.h"

namespace isotel {
namespace {

uint64_t LoadWord(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace

void ByteWriter::Grow(size_t bytes) {
  size_t capacity = capacity_ < 128 ? 256 : capacity_ * 2;
  if (capacity < size_ + bytes) capacity = size_ + bytes;
  std::unique_ptr<char[]> data(new char[capacity]);
  if (size_ > 0) CopyBytes(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

void ByteWriter::Byte(uint8_t value) {
  *Reserve(1) = static_cast<char>(value);
  ++size_;
}

void ByteWriter::Raw(std::string_view bytes) {
  CopyBytes(Reserve(bytes.size()), bytes.data(), bytes.size());
  size_ += bytes.size();
}

void ByteWriter::Fixed32(uint32_t value) {
  std::memcpy(Reserve(sizeof value), &value, sizeof value);
  size_ += sizeof value;
}

void ByteWriter::Fixed64(uint64_t value) {
  std::memcpy(Reserve(sizeof value), &value, sizeof value);
  size_ += sizeof value;
}

void ByteWriter::Varint(uint64_t value) {
  char* at = Reserve(10);
  const char* start = at;
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
  *at++ = static_cast<char>(value);
  size_ += static_cast<size_t>(at - start);
}

uint64_t ByteReader::Fixed64() {
  uint64_t value = 0;
  if (remaining() < sizeof value) return Fail(), value;
  std::memcpy(&value, at_, sizeof value);
  at_ += sizeof value;
  return value;
}

uint32_t ByteReader::Fixed32() {
  uint32_t value = 0;
  if (remaining() < sizeof value) return Fail(), value;
  std::memcpy(&value, at_, sizeof value);
  at_ += sizeof value;
  return value;
}

uint32_t ByteReader::Bounded(uint32_t max) {
  const uint64_t value = Varint();
  if (value > max) return Fail(), 0U;
  return static_cast<uint32_t>(value);
}

std::string_view ByteReader::Raw(uint64_t size) {
  if (size > remaining()) return Fail(), std::string_view();
  const std::string_view bytes(at_, static_cast<size_t>(size));
  at_ += size;
  return bytes;
}

void ByteReader::AddVarints(uint64_t* to, size_t count) {
  // A merge spends most of its time here. Most varints are one byte, and the position stays in a register.
  const char* at = at_;
  for (size_t i = 0; i < count; ++i) {
    uint64_t value = 0;
    if (at != end_ && static_cast<uint8_t>(*at) < 0x80) {
      value = static_cast<uint8_t>(*at++);
    } else {
      at_ = at;
      value = LongVarint();
      at = at_;
    }
    if (to != nullptr) to[i] += value;
  }
  at_ = at;
}

uint64_t ByteReader::LongVarint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const uint64_t byte = Byte();
    // The tenth byte holds one bit.
    if (shift == 63 && byte > 1) break;
    value |= (byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return Fail(), uint64_t{0};
}

bool SameBytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  size_t at = 0;
  for (; at + 8 <= a.size(); at += 8) {
    if (LoadWord(a.data() + at) != LoadWord(b.data() + at)) return false;
  }
  for (; at < a.size(); ++at) {
    if (a[at] != b[at]) return false;
  }
  return true;
}

uint64_t Hash(std::string_view bytes) {
  constexpr uint64_t kFactor = 0x9E3779B97F4A7C15U;
  const auto mix = [](uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * kFactor;
    return hash ^ (hash >> 32);
  };
  uint64_t hash = (bytes.size() + 1) * kFactor;
  size_t at = 0;
  // Long texts use four lanes, whose multiplications do not wait for each other.
  if (bytes.size() >= 64) {
    uint64_t lanes[4] = {1, 2, 3, 4};
    for (; at + 32 <= bytes.size(); at += 32) {
      for (size_t lane = 0; lane < 4; ++lane) lanes[lane] = mix(lanes[lane], LoadWord(bytes.data() + at + 8 * lane));
    }
    for (const uint64_t lane : lanes) hash = mix(hash, lane);
  }
  for (; at + 8 <= bytes.size(); at += 8) hash = mix(hash, LoadWord(bytes.data() + at));
  uint64_t last = 0;
  for (unsigned shift = 0; at < bytes.size(); ++at, shift += 8) {
    last |= uint64_t{static_cast<uint8_t>(bytes[at])} << shift;
  }
  hash = mix(hash, last) * kFactor;
  return hash ^ (hash >> 29);
}

}  // namespace isotel

// How protobuf writes a field: its tag, and integers in as many bytes as they need.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace isotel::otlp {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

/// The tag of a field whose number is below 16.
constexpr char Tag(uint32_t field, WireType type) { return static_cast<char>(field << 3 | type); }

constexpr size_t VarintBytes(uint64_t value) { return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7; }

/// Writes at most 10 bytes; where they end.
inline char* WriteVarint(char* at, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
  *at++ = static_cast<char>(value);
  return at;
}

}  // namespace isotel::otlp

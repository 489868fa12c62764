// Protocol Buffers wire format, writing only (https://protobuf.dev/programming-guides/encoding/).
//
// A message is written before its length is known. Begin() leaves room for the length; End() writes it, and moves the
// message when the length needs another number of bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/wire.h"

namespace isotel {

enum class WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

constexpr uint32_t TagOf(uint32_t field, WireType type) { return field << 3 | static_cast<uint32_t>(type); }

/// The tag of a field whose number is below 16: one byte.
constexpr char ShortTag(uint32_t field, WireType type) { return static_cast<char>(TagOf(field, type)); }

constexpr size_t VarintBytes(uint64_t value) { return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7; }

/// Writes at most 10 bytes. Returns where they end.
inline char* WriteVarint(char* at, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
  *at++ = static_cast<char>(value);
  return at;
}

class ProtobufWriter {
 public:
  /// A message that is open.
  struct Mark {
    size_t start = 0;           ///< of the content
    uint32_t length_bytes = 1;  ///< room for the length in front of it
  };

  explicit ProtobufWriter(ByteWriter& writer) : out_(writer) {}

  /// uint32, uint64, int64, bool and enum.
  void Uint(uint32_t field, uint64_t value);
  /// sint32 and sint64.
  void Sint(uint32_t field, int64_t value) {
    Uint(field, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void Fixed32(uint32_t field, uint32_t value);
  void Fixed64(uint32_t field, uint64_t value);
  void Double(uint32_t field, double value) { Fixed64(field, BitsOf(value)); }
  /// string and bytes.
  void Bytes(uint32_t field, std::string_view bytes);

  /// Begins a message. Field 0 writes no tag: a length-delimited message at the top level. `length_bytes` is a guess at
  /// the bytes of the length; End() is slower after a wrong guess.
  [[nodiscard]] Mark Begin(uint32_t field, uint32_t length_bytes = 1);
  /// Ends the message that was begun last. Returns the bytes of its length.
  uint32_t End(Mark mark);

 private:
  ByteWriter& out_;
};

}  // namespace isotel

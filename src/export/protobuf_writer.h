// Protocol Buffers wire format, writing only. Nested messages are closed by moving their bytes behind the
// length, which is one byte for most.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "metrics/wire.h"

namespace isotel::exposition {

class ProtobufWriter {
 public:
  explicit ProtobufWriter(metrics::ByteWriter& writer) : out_(writer) {}

  void Uint(uint32_t field, uint64_t value) {
    out_.Varint(field << 3);
    out_.Varint(value);
  }
  /// sint32 and sint64.
  void Sint(uint32_t field, int64_t value) {
    out_.Varint(field << 3);
    out_.SignedVarint(value);
  }
  void Double(uint32_t field, double value) {
    out_.Varint((field << 3) | 1);
    out_.Double(value);
  }
  void Bytes(uint32_t field, std::string_view bytes) {
    out_.Varint((field << 3) | 2);
    out_.Bytes(bytes);
  }

  /// A message in `field`, up to End(); field 0 stands for a delimited message of its own.
  [[nodiscard]] size_t Begin(uint32_t field) {
    if (field != 0) out_.Varint((field << 3) | 2);
    out_.Byte(0);
    return out_.size();
  }
  void End(size_t start) {
    const size_t size = out_.size() - start;
    size_t extra = 0;
    for (size_t left = size >> 7; left > 0; left >>= 7) ++extra;
    if (extra > 0) {
      out_.Reserve(extra);
      std::memmove(out_.data() + start + extra, out_.data() + start, size);
      out_.Advance(extra);
    }
    char* at = out_.data() + start - 1;
    size_t left = size;
    for (; left >= 0x80; left >>= 7) *at++ = static_cast<char>(left | 0x80);
    *at = static_cast<char>(left);
  }

 private:
  metrics::ByteWriter& out_;
};

}  // namespace isotel::exposition

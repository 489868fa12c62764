// What a host's context of the OTLP module holds; shared by the sources of its exports, included by nobody else.
#pragma once

#include <string_view>
#include <vector>

#include "abi/otlp/isotel_otlp.h"
#include "base/error.h"
#include "context/id_generator.h"
#include "metrics/wire.h"
#include "otlp/batch_reader.h"

namespace isotel::abi {

inline int32_t OtlpAnswer(Error error) { return static_cast<int32_t>(error); }

}  // namespace isotel::abi

struct isotel_otlp {
  [[nodiscard]] bool Holds(uint64_t length) const {
    return length + isotel::otlp::BatchReader::kSlackBytes <= buffer.size() * sizeof(uint64_t);
  }
  [[nodiscard]] const char* Bytes() const { return reinterpret_cast<const char*>(buffer.data()); }
  /// The first `length` bytes of the buffer, which must hold them.
  [[nodiscard]] std::string_view Text(size_t length) const { return {Bytes(), length}; }
  /// Makes `text` the output.
  int32_t Write(std::string_view text) {
    output.Clear();
    output.Raw(text);
    return Written();
  }
  /// What was written after output.Clear() is the output.
  int32_t Written() {
    output_start = 0;
    return static_cast<int32_t>(output.size());
  }

  // Words, because what stands in it is aligned; one more than asked for.
  std::vector<uint64_t> buffer = std::vector<uint64_t>(isotel::otlp::BatchReader::kSlackBytes / sizeof(uint64_t));
  isotel::metrics::ByteWriter output;
  size_t output_start = 0;
  uint32_t skipped = 0;
  isotel::context::IdGenerator ids;
};

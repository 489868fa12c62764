// Encodes a batch as an ExportTraceServiceRequest or ExportLogsServiceRequest.
#pragma once

#include <cstdint>

#include "base/wire.h"
#include "otlp/batch_reader.h"
#include "otlp/dialect_table.h"
#include "otlp/field.h"

namespace isotel::otlp {

/// The place of a request in its writer.
struct Encoded {
  Error error = Error::kOk;  ///< kCorrupt, kInvalidUtf8, or kTooLarge past kMaxOtlpBytes
  size_t start = 0;
  size_t size = 0;
  uint32_t skipped = 0;  ///< spans left out for invalid identifiers
};

/// Encodes a batch of spans in a dialect. Replaces the content of the writer.
Encoded EncodeTraces(BatchReader& in, Format format, Dialect dialect, ByteWriter& out);
inline Encoded EncodeTraces(BatchReader& in, Format format, ByteWriter& out) {
  return EncodeTraces(in, format, Dialect::kNone, out);
}

/// Encodes a batch of log records. Leaves out invalid trace and span identifiers.
Encoded EncodeLogs(BatchReader& in, Format format, ByteWriter& out);

}  // namespace isotel::otlp

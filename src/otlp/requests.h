// ExportTraceServiceRequest and ExportLogsServiceRequest out of a batch, and the head both have in common.
#pragma once

#include <cstdint>

#include "metrics/wire.h"
#include "otlp/batch_reader.h"
#include "otlp/field.h"

namespace isotel::otlp {

/// Where a request stands in the writer it was encoded to, and what is missing in it.
struct Encoded {
  Error error = Error::kOk;  ///< kCorrupt, kInvalidUtf8, or kTooLarge past kMaxOtlpBytes
  size_t start = 0;
  size_t size = 0;
  uint32_t skipped = 0;  ///< spans left out because their identifiers are none
};

/// Encodes a batch of spans, from front to back of the writer, whose content is lost.
Encoded EncodeTraces(BatchReader& in, Format format, metrics::ByteWriter& out);

/// The same for log records; one whose trace or span identifier is none goes out without it.
Encoded EncodeLogs(BatchReader& in, Format format, metrics::ByteWriter& out);

}  // namespace isotel::otlp

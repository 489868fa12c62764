// Encodes a snapshot of totals as an ExportMetricsServiceRequest.
//
// Counters become monotonic sums, all kinds of gauges become gauges, histograms keep their bounds. An exponential
// histogram of Prometheus schema s has scale s, and bucket numbers are one lower. The overflow series has
// OpenTelemetry's attribute otel.metric.overflow.
#pragma once

#include "metrics/snapshot.h"
#include "otlp/requests.h"

namespace isotel::otlp {

enum class Temporality : uint32_t { kCumulative = 0, kDelta = 1 };

struct MetricsOptions {
  Format format = Format::kProtobuf;
  Temporality temporality = Temporality::kCumulative;
  /// kDelta: the exported baseline, as RecordExported() makes it. A series that is not in it, or that went back since,
  /// is exported whole.
  const metrics::Snapshot* before = nullptr;
  /// The series to encode, numbered in the order of Store::Sorted().
  uint32_t first = 0;
  uint32_t end = UINT32_MAX;
  /// The encoder begins no further series once the request has this many bytes. It writes at least one.
  size_t enough_bytes = SIZE_MAX;
};

/// A request and the part of the snapshot in it.
struct EncodedMetrics {
  Encoded request;
  uint32_t next = 0;    ///< the first series of the next request; at the end the number of all series
  uint32_t points = 0;  ///< data points written
};

/// Encodes `snapshot`. `head` is a batch with a resource, a scope and no items. A delta has only series that changed,
/// and only exemplars of its interval.
EncodedMetrics EncodeMetrics(BatchReader& head, const metrics::Snapshot& snapshot, const MetricsOptions& options,
                             ByteWriter& out);

}  // namespace isotel::otlp

// ExportMetricsServiceRequest out of a snapshot of totals.
//
// Counters are monotonic sums, gauges of every kind are gauges, histograms keep their bounds, and an exponential
// histogram of Prometheus schema s has scale s and bucket numbers one lower. The label of the overflow series is
// OpenTelemetry's attribute.
#pragma once

#include "metrics/snapshot.h"
#include "otlp/requests.h"

namespace isotel::otlp {

enum class Temporality : uint32_t { kCumulative = 0, kDelta = 1 };

struct MetricsOptions {
  Format format = Format::kProtobuf;
  Temporality temporality = Temporality::kCumulative;
  /// kDelta: what was sent before, as TakePoints() makes it. Of a series that is not in it, or that has gone back since,
  /// everything is new.
  const metrics::Snapshot* before = nullptr;
  /// The series to encode, by their numbers in the order of Store::Sorted().
  uint32_t first = 0;
  uint32_t end = UINT32_MAX;
  /// No series is begun once the request has so many bytes; one at least is written.
  size_t enough_bytes = SIZE_MAX;
};

/// A request, and what of the snapshot is in it.
struct EncodedMetrics {
  Encoded request;
  uint32_t next = 0;    ///< the series the next request begins with; the number of all series at the end
  uint32_t points = 0;  ///< data points written
};

/// Encodes `snapshot`. `head` is a batch with a resource and a scope and nothing after them. As a delta, series that
/// did not change are left out; exemplars are those of its time.
EncodedMetrics EncodeMetrics(BatchReader& head, const metrics::Snapshot& snapshot, const MetricsOptions& options,
                             metrics::ByteWriter& out);

}  // namespace isotel::otlp

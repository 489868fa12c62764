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
  /// kDelta: what was sent last. Of a series that is not in it, or that has gone back since, everything is new.
  const metrics::Snapshot* before = nullptr;
};

/// Encodes `snapshot`. `head` is a batch with a resource and a scope and nothing after them. As a delta, series that
/// did not change are left out; exemplars are those of its time.
Encoded EncodeMetrics(BatchReader& head, const metrics::Snapshot& snapshot, const MetricsOptions& options,
                      metrics::ByteWriter& out);

}  // namespace isotel::otlp

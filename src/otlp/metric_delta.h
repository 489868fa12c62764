// The change of a series between two snapshots.
#pragma once

#include <vector>

#include "metrics/point.h"
#include "metrics/snapshot.h"

namespace isotel::otlp {

/// A data point: the value of a series, or its change.
struct DataPoint {
  uint64_t start_unix_ms = 0;
  metrics::Sum sum;
  uint64_t count = 0;
  std::vector<uint64_t> counts;  ///< explicit histogram: by bucket
  int scale = 0;                 ///< exponential histogram, as the next three fields
  uint64_t zero_count = 0;
  metrics::Buckets positive;
  metrics::Buckets negative;
  uint64_t exemplars_after_unix_ms = 0;  ///< earlier exemplars belong to an earlier point
};

/// Returns the whole value of a counter or histogram.
[[nodiscard]] DataPoint WholePoint(const metrics::Point& point, metrics::Kind kind);

/// Subtracts `before`, a point of RecordExported(), from the whole `point`. Returns false and changes nothing when the
/// series went back since then: its whole value is new.
bool Subtract(const metrics::Point& before, metrics::Kind kind, DataPoint& point);

/// Records in `exported` that the series from `first` up to `end` of `snapshot` were exported, numbered in the order of
/// Store::Sorted(). Their points replace those in `exported`, with the time of the snapshot as their creation time.
/// Leaves out exemplars, gauges (which have no deltas) and series past the limits of a store (which are exported whole
/// again).
void RecordExported(const metrics::Snapshot& snapshot, uint32_t first, uint32_t end, metrics::Snapshot& exported);

}  // namespace isotel::otlp

// What a series recorded between two snapshots.
#pragma once

#include <vector>

#include "metrics/point.h"
#include "metrics/snapshot.h"

namespace isotel::otlp {

/// A data point: the value of a series, or by how much it changed.
struct DataPoint {
  uint64_t start_unix_ms = 0;
  metrics::Sum sum;
  uint64_t count = 0;
  std::vector<uint64_t> counts;  ///< explicit histogram: by bucket
  int scale = 0;                 ///< exponential histogram, as is what follows
  uint64_t zero_count = 0;
  metrics::Buckets positive;
  metrics::Buckets negative;
  uint64_t exemplars_after_unix_ms = 0;  ///< exemplars up to this time belong to an earlier point
};

/// The whole value of a counter or histogram.
[[nodiscard]] DataPoint WholePoint(const metrics::Point& point, metrics::Kind kind);

/// Takes off the whole `point` what `before`, of TakePoints(), had. False, with nothing done, when the series has gone
/// back since and all of it is new.
bool Subtract(const metrics::Point& before, metrics::Kind kind, DataPoint& point);

/// Notes in `taken` that the series from `first` up to `end` of `snapshot`, by their numbers in the order of
/// Store::Sorted(), were sent: their points replace those there, with the snapshot's time in place of their creation.
/// Gauges, which have no deltas, and exemplars are left out, and so is what is past the limits of a store: it is sent
/// whole again.
void TakePoints(const metrics::Snapshot& snapshot, uint32_t first, uint32_t end, metrics::Snapshot& taken);

}  // namespace isotel::otlp

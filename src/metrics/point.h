// The value of one series, in delta frames, chunks of state and snapshots.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/wire.h"
#include "metrics/declaration.h"
#include "metrics/exemplar.h"
#include "metrics/exponential.h"
#include "metrics/sum.h"

namespace isotel::metrics {

/// Fields of other kinds stay empty. Merging is associative and commutative: counts wrap at 2^64, sums are exact, the
/// earliest creation time wins. Of gauges the newest (kGaugeLast), smallest or largest value wins, or they add up.
struct Point {
  static constexpr uint64_t kNever = UINT64_MAX;

  Point() = default;
  /// A point without values.
  explicit Point(const Declaration& declaration);

  /// Returns whether nothing was merged into this point.
  [[nodiscard]] bool empty() const { return unix_ms == kNever; }
  [[nodiscard]] uint64_t Count() const;

  void Merge(const Point& other, const Declaration& declaration);
  /// Merges one gauge value.
  void MergeGauge(Kind kind, uint64_t at_unix_ms, double gauge);

  uint64_t unix_ms = kNever;                 ///< when it was created; of a gauge when it was last written
  Sum sum;                                   ///< counter: total; histograms: sum of values; kGaugeSum: value
  double value = 0;                          ///< the other gauges
  std::vector<uint64_t> counts;              ///< kHistogram: by bucket, the last for +Inf
  std::unique_ptr<Exponential> exponential;  ///< kExponentialHistogram
  Exemplars exemplars;
};

void WritePoint(const Point& point, const Declaration& declaration, ByteWriter& writer);

/// Reads what WritePoint() wrote and merges it into `into`. Only reads when `into` is null. Fails the reader for bytes
/// that are not a point of this declaration; `into` may then be partly changed.
class PointReader {
 public:
  void Read(ByteReader& reader, const Declaration& declaration, Point* into);

 private:
  Exponential scratch_;
};

}  // namespace isotel::metrics

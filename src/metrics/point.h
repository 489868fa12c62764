// The value of one series: what a delta frame, a chunk of state and a snapshot all carry.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "metrics/declaration.h"
#include "metrics/exemplar.h"
#include "metrics/exponential.h"
#include "metrics/sum.h"
#include "metrics/wire.h"

namespace isotel::metrics {

/// Fields by kind; the rest stays empty. Merging is associative and commutative: counts wrap at 2^64, sums are
/// exact, the earliest creation stays, of gauges the newest (kGaugeLast), smallest, largest or the sum.
struct Point {
  static constexpr uint64_t kNever = UINT64_MAX;

  Point() = default;
  /// Zero, never recorded.
  explicit Point(const Declaration& declaration);

  /// Whether nothing was merged into it yet.
  [[nodiscard]] bool empty() const { return unix_ms == kNever; }
  [[nodiscard]] uint64_t Count() const;

  void Merge(const Point& other, const Declaration& declaration);
  /// Takes one gauge value, as Merge() does.
  void MergeGauge(Kind kind, uint64_t at_unix_ms, double gauge);

  uint64_t unix_ms = kNever;                 ///< created; of a gauge when it was last written
  Sum sum;                                   ///< counter: total; histograms: sum of values; kGaugeSum: value
  double value = 0;                          ///< the other gauges
  std::vector<uint64_t> counts;              ///< kHistogram: by bucket, the last for +Inf
  std::unique_ptr<Exponential> exponential;  ///< kExponentialHistogram
  Exemplars exemplars;
};

void WritePoint(const Point& point, const Declaration& declaration, ByteWriter& writer);

/// Merges what WritePoint() wrote into `into`, or only reads it when that is null. Fails the reader when it is
/// no point of this declaration; `into` may be partly changed then.
class PointReader {
 public:
  void Read(ByteReader& reader, const Declaration& declaration, Point* into);

 private:
  Exponential scratch_;
};

}  // namespace isotel::metrics

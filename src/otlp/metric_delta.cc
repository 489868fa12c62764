#include "otlp/metric_delta.h"

#include <algorithm>
#include <utility>

namespace isotel::otlp {
namespace {

bool SubtractCounts(const std::vector<uint64_t>& before, size_t offset, std::vector<uint64_t>& counts) {
  if (before.size() > counts.size() || offset > counts.size() - before.size()) return false;
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] > counts[offset + i]) return false;
    counts[offset + i] -= before[i];
  }
  return true;
}

// Removes empty buckets at both ends.
void Trim(metrics::Buckets& buckets) {
  std::vector<uint64_t>& counts = buckets.counts;
  const auto first = std::find_if(counts.begin(), counts.end(), [](uint64_t count) { return count != 0; });
  buckets.first += static_cast<int32_t>(first - counts.begin());
  counts.erase(counts.begin(), first);
  while (!counts.empty() && counts.back() == 0) counts.pop_back();
}

bool SubtractBuckets(const metrics::Buckets& before, metrics::Buckets& buckets) {
  if (before.counts.empty()) return true;
  if (buckets.counts.empty() || before.first < buckets.first) return false;
  const auto offset = static_cast<size_t>(before.first - buckets.first);
  if (!SubtractCounts(before.counts, offset, buckets.counts)) return false;
  Trim(buckets);
  return true;
}

}  // namespace

DataPoint WholePoint(const metrics::Point& point, metrics::Kind kind) {
  DataPoint whole;
  whole.start_unix_ms = point.unix_ms;
  whole.sum = point.sum;
  if (!metrics::IsHistogram(kind)) return whole;
  whole.count = point.Count();
  whole.counts = point.counts;
  if (point.exponential) {
    whole.scale = point.exponential->schema();
    whole.zero_count = point.exponential->zero_count();
    whole.positive = point.exponential->positive();
    whole.negative = point.exponential->negative();
  }
  return whole;
}

bool Subtract(const metrics::Point& before, metrics::Kind kind, DataPoint& point) {
  DataPoint less = point;
  less.start_unix_ms = before.unix_ms;
  less.exemplars_after_unix_ms = before.unix_ms;
  less.sum = point.sum.Minus(before.sum);
  if (kind == metrics::Kind::kCounter && less.sum.ToDouble() < 0) return false;
  if (metrics::IsHistogram(kind)) {
    const uint64_t count = before.Count();
    if (count > point.count) return false;
    less.count -= count;
    if (!SubtractCounts(before.counts, 0, less.counts)) return false;
  }
  if (before.exponential) {
    metrics::Exponential coarser = *before.exponential;
    if (coarser.schema() < point.scale || coarser.zero_count() > point.zero_count) return false;
    coarser.CoarsenTo(point.scale);
    less.zero_count -= coarser.zero_count();
    if (!SubtractBuckets(coarser.positive(), less.positive)) return false;
    if (!SubtractBuckets(coarser.negative(), less.negative)) return false;
  }
  point = less;
  return true;
}

void RecordExported(const metrics::Snapshot& snapshot, uint32_t first, uint32_t end, metrics::Snapshot& exported) {
  const metrics::Store& from = snapshot.store();
  metrics::Store& to = exported.store();
  const std::vector<uint32_t> order = from.Sorted();
  for (size_t at = first; at < std::min<size_t>(end, order.size()); ++at) {
    const metrics::Series& series = from.series()[order[at]];
    const metrics::Declaration& declaration = from.DeclarationOf(series);
    if (series.point.empty() || metrics::IsGauge(declaration.kind)) continue;
    const Result<uint32_t> family = to.AddFamily(from.families()[series.family]->bytes);
    if (!family.ok()) continue;
    const Result<uint32_t> number = to.AddSeries(family.value(), from.LabelsOf(series));
    if (!number.ok()) continue;
    metrics::Point point(declaration);
    point.Merge(series.point, declaration);
    point.exemplars.Clear();
    point.unix_ms = snapshot.info().unix_ms;
    to.point(number.value()) = std::move(point);
  }
}

}  // namespace isotel::otlp

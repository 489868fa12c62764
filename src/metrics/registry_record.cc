// The recording functions of the registry. They have a separate file, because a Wasm build compiles the other functions
// for size.
#include "metrics/bounds.h"
#include "metrics/registry.h"

namespace isotel::metrics {
namespace {

bool IsFinite(double value) { return value - value == 0; }

}  // namespace

Error Registry::Record(uint32_t row, double value) {
  if (row >= rows_.size()) return Error::kOutOfRange;
  Row& state = rows_[row];
  if (state.replaced) return Error::kOk;
  switch (state.kind) {
    case Kind::kCounter:
      if (!(value >= 0) || !IsFinite(value)) return Invalid();
      state.value += value;
      break;
    case Kind::kHistogram:
      if (!IsFinite(value)) return Invalid();
      ++state.counts[BucketOf(state.bounds, state.bound_count, value)];
      state.value += value;
      break;
    case Kind::kExponentialHistogram:
      if (!IsFinite(value)) return Invalid();
      state.exponential->Record(value, families_[cells_[row].family]->declaration.zero_threshold, *table_);
      state.value += value;
      break;
    default:
      if (value != value) return Invalid();
      state.value = value;
      state.set = true;
  }
  MarkDirty(row);
  return Error::kOk;
}

Error Registry::Record(uint32_t row, const Exemplar& exemplar) {
  const Error error = Record(row, exemplar.value);
  if (error != Error::kOk || IsGauge(rows_[row].kind) || rows_[row].replaced) return error;
  cells_[row].point.exemplars.Offer(exemplar, families_[cells_[row].family]->declaration);
  return Error::kOk;
}

Error Registry::RecordCounts(uint32_t row, std::span<const uint32_t> counts, double sum) {
  if (row >= rows_.size()) return Error::kOutOfRange;
  Row& state = rows_[row];
  if (state.kind != Kind::kHistogram || counts.size() != state.bound_count + size_t{1}) return Error::kOutOfRange;
  if (state.replaced) return Error::kOk;
  if (!IsFinite(sum)) return Invalid();
  for (size_t i = 0; i < counts.size(); ++i) state.counts[i] += counts[i];
  state.value += sum;
  MarkDirty(row);
  return Error::kOk;
}

Error Registry::Add(uint32_t row, double value) {
  if (row >= rows_.size()) return Error::kOutOfRange;
  return Record(row, IsGauge(rows_[row].kind) ? rows_[row].value + value : value);
}

}  // namespace isotel::metrics

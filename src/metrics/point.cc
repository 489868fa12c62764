#include "metrics/point.h"

#include <cmath>

#include "metrics/bucket_spans.h"

namespace isotel::metrics {

Point::Point(const Declaration& declaration) {
  if (declaration.kind == Kind::kHistogram) counts.resize(declaration.bounds.size() + 1);
  if (declaration.kind == Kind::kExponentialHistogram) exponential = std::make_unique<Exponential>(declaration);
}

uint64_t Point::Count() const {
  if (exponential) return exponential->Count();
  uint64_t count = 0;
  for (const uint64_t n : counts) count += n;
  return count;
}

void Point::MergeGauge(Kind kind, uint64_t at_unix_ms, double gauge) {
  gauge += 0.0;  // no negative zero: it equals zero and would make the bits depend on the order
  bool replace = empty();
  if (kind == Kind::kGaugeSum) sum.Add(Sum::From(gauge));
  if (kind == Kind::kGaugeMin) replace |= gauge < value;
  if (kind == Kind::kGaugeMax) replace |= gauge > value;
  if (kind == Kind::kGaugeLast) {
    replace |= at_unix_ms > unix_ms || (at_unix_ms == unix_ms && gauge > value);
  }
  if (replace) value = gauge;
  if (empty() || at_unix_ms > unix_ms) unix_ms = at_unix_ms;
}

void Point::Merge(const Point& other, const Declaration& declaration) {
  if (other.empty()) return;
  if (IsGauge(declaration.kind)) {
    MergeGauge(declaration.kind, other.unix_ms, declaration.kind == Kind::kGaugeSum ? 0 : other.value);
    sum.Add(other.sum);
    return;
  }
  if (other.unix_ms < unix_ms) unix_ms = other.unix_ms;
  sum.Add(other.sum);
  for (size_t i = 0; i < counts.size() && i < other.counts.size(); ++i) counts[i] += other.counts[i];
  if (exponential && other.exponential) exponential->Merge(*other.exponential);
  exemplars.Merge(other.exemplars, declaration);
}

void WritePoint(const Point& point, const Declaration& declaration, ByteWriter& writer) {
  writer.Fixed64(point.unix_ms);
  if (IsGauge(declaration.kind) && declaration.kind != Kind::kGaugeSum) {
    writer.Double(point.value);
    return;
  }
  point.sum.Write(writer);
  if (declaration.kind == Kind::kGaugeSum) return;
  if (declaration.kind == Kind::kHistogram) WriteSpans(point.counts, writer);
  if (declaration.kind == Kind::kExponentialHistogram) point.exponential->Write(writer);
  point.exemplars.Write(writer);
}

void PointReader::Read(ByteReader& reader, const Declaration& declaration, Point* into) {
  const uint64_t unix_ms = reader.Fixed64();
  if (unix_ms == Point::kNever) return reader.Fail();
  if (IsGauge(declaration.kind) && declaration.kind != Kind::kGaugeSum) {
    const double value = reader.Double();
    if (std::isnan(value)) return reader.Fail();
    if (into != nullptr) into->MergeGauge(declaration.kind, unix_ms, value);
    return;
  }
  const Sum sum = Sum::Read(reader);
  if (declaration.kind == Kind::kGaugeSum) {
    if (into == nullptr) return;
    into->sum.Add(sum);
    into->MergeGauge(declaration.kind, unix_ms, 0);
    return;
  }
  if (into != nullptr) {
    into->sum.Add(sum);
    if (unix_ms < into->unix_ms) into->unix_ms = unix_ms;
  }
  if (declaration.kind == Kind::kHistogram) {
    AddSpans(reader, declaration.bounds.size() + 1, into != nullptr ? into->counts.data() : nullptr);
  }
  if (declaration.kind == Kind::kExponentialHistogram) {
    scratch_.Read(reader, declaration);
    if (into != nullptr && reader.ok()) into->exponential->Merge(scratch_);
  }
  Exemplars::Read(reader, declaration, into != nullptr ? &into->exemplars : nullptr);
}

}  // namespace isotel::metrics

#include "metrics/exponential.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/limits.h"
#include "base/wide.h"
#include "metrics/bucket_spans.h"

namespace isotel::metrics {
namespace {

constexpr int32_t kTableSize = 1 << kMaxSchema;
// Powers of two a double can be: 2^-1074 up to just below 2^1024.
constexpr int32_t kMinExponent = -1074;
constexpr int32_t kMaxExponent = 1024;

int32_t FirstBucket(int schema) {
  return schema >= 0 ? kMinExponent * (1 << schema) : CoarserBucket(kMinExponent, -schema);
}
int32_t LastBucket(int schema) {
  return schema >= 0 ? kMaxExponent * (1 << schema) : CoarserBucket(kMaxExponent, -schema);
}

// Returns how many halvings make first..last fit into `max_buckets`.
int StepsToFit(int32_t first, int32_t last, uint32_t max_buckets) {
  int steps = 0;
  while (static_cast<uint32_t>(CoarserBucket(last, steps) - CoarserBucket(first, steps)) >= max_buckets) ++steps;
  return steps;
}

// The same for two windows, either of which may be empty.
int StepsToFit(const Buckets& a, int a_steps, const Buckets& b, int b_steps, uint32_t max_buckets) {
  if (b.counts.empty() || a.counts.empty()) return 0;
  return StepsToFit(std::min(CoarserBucket(a.first, a_steps), CoarserBucket(b.first, b_steps)),
                    std::max(CoarserBucket(a.last(), a_steps), CoarserBucket(b.last(), b_steps)), max_buckets);
}

void AddAll(const Buckets& from, int steps, Buckets& to) {
  for (size_t i = 0; i < from.counts.size(); ++i) {
    if (from.counts[i] > 0) to.Add(CoarserBucket(from.first + static_cast<int32_t>(i), steps), from.counts[i]);
  }
}

}  // namespace

ExponentialTable::ExponentialTable() {
  // 2^(2^-j) for j = 1..8, in units of 2^-63.
  constexpr uint64_t kRoots[kMaxSchema] = {
      0xB504F333F9DE6484U, 0x9837F0518DB8A96FU, 0x8B95C1E3EA8BD6E6U, 0x85AAC367CC487B14U,
      0x82CD8698AC2BA1D7U, 0x8164D1F3BC030773U, 0x80B1ED4FD999AB6CU, 0x8058D7D2D5E5F6B0U,
  };
  uint64_t powers[kTableSize];
  powers[0] = uint64_t{1} << 63;
  bounds_[0] = 0.5;
  for (uint32_t i = 1; i < kTableSize; ++i) {
    const int lowest = std::countr_zero(i);
    const Wide power = Multiply(powers[i & (i - 1)], kRoots[kMaxSchema - 1 - lowest]);
    powers[i] = (power.high << 1) | (power.low >> 63);
    bounds_[i] = static_cast<double>((powers[i] + (1U << 10)) >> 11) * 0x1p-53;
  }
}

int32_t ExponentialTable::BucketOf(double value, int schema) const {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  if (schema <= 0) return CoarserBucket(fraction == 0.5 ? exponent - 1 : exponent, -schema);
  const int32_t stride = kTableSize >> schema;
  int32_t below = -1;
  // bounds_[below] < fraction; bounds_[above] is not, or past the end.
  for (int32_t above = kTableSize / stride; above - below > 1;) {
    const int32_t middle = (above + below) / 2;
    (bounds_[static_cast<size_t>(middle * stride)] < fraction ? below : above) = middle;
  }
  return (exponent - 1) * (1 << schema) + below + 1;
}

double UpperBound(int32_t bucket, int schema) { return std::ldexp(1.0, bucket * (1 << -schema)); }

void Buckets::Add(int32_t bucket, uint64_t count) {
  if (counts.empty()) first = bucket;
  if (bucket < first) {
    const auto shift = static_cast<size_t>(first - bucket);
    counts.resize(counts.size() + shift);
    for (size_t i = counts.size(); i-- > shift;) counts[i] = counts[i - shift];
    for (size_t i = 0; i < shift; ++i) counts[i] = 0;
    first = bucket;
  }
  const auto at = static_cast<size_t>(bucket - first);
  if (at >= counts.size()) counts.resize(at + 1);
  counts[at] += count;
}

void Buckets::Coarsen(int steps) {
  if (counts.empty()) return;
  const int32_t new_first = CoarserBucket(first, steps);
  size_t size = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const uint64_t count = counts[i];
    const auto at = static_cast<size_t>(CoarserBucket(first + static_cast<int32_t>(i), steps) - new_first);
    if (at >= size) {
      counts[at] = 0;
      size = at + 1;
    }
    counts[at] += count;
  }
  counts.resize(size);
  first = new_first;
}

void Exponential::ReserveAll() {
  positive_.counts.reserve(max_buckets_);
  negative_.counts.reserve(max_buckets_);
}

void Exponential::Record(double value, double zero_threshold, const ExponentialTable& table) {
  const double magnitude = value < 0 ? -value : value;
  if (magnitude <= zero_threshold) {
    ++zero_count_;
    return;
  }
  Buckets& buckets = value < 0 ? negative_ : positive_;
  int32_t bucket = table.BucketOf(magnitude, schema_);
  const auto at = static_cast<uint32_t>(bucket - buckets.first);
  if (at < buckets.counts.size()) {
    ++buckets.counts[at];
    return;
  }
  const int before = schema_;
  MakeRoom(buckets, bucket);
  bucket = CoarserBucket(bucket, before - schema_);
  buckets.Add(bucket, 1);
}

void Exponential::MakeRoom(Buckets& buckets, int32_t bucket) {
  if (buckets.counts.empty()) return;
  const int steps = StepsToFit(std::min(buckets.first, bucket), std::max(buckets.last(), bucket), max_buckets_);
  CoarsenTo(schema_ - steps);
}

void Exponential::CoarsenTo(int schema) {
  // At the coarsest schema all doubles have 133 buckets. A lower limit does not apply there.
  schema = std::max(schema, kMinSchema);
  if (schema >= schema_) return;
  positive_.Coarsen(schema_ - schema);
  negative_.Coarsen(schema_ - schema);
  schema_ = schema;
}

void Exponential::Clear() {
  zero_count_ = 0;
  positive_.counts.clear();
  negative_.counts.clear();
}

void Exponential::Merge(const Exponential& other) {
  int schema = std::min(schema_, other.schema_);
  max_buckets_ = std::max(max_buckets_, other.max_buckets_);
  schema -= std::max(StepsToFit(positive_, schema_ - schema, other.positive_, other.schema_ - schema, max_buckets_),
                     StepsToFit(negative_, schema_ - schema, other.negative_, other.schema_ - schema, max_buckets_));
  CoarsenTo(schema);
  zero_count_ += other.zero_count_;
  AddAll(other.positive_, other.schema_ - schema_, positive_);
  AddAll(other.negative_, other.schema_ - schema_, negative_);
}

uint64_t Exponential::Count() const {
  uint64_t count = zero_count_;
  for (const uint64_t n : positive_.counts) count += n;
  for (const uint64_t n : negative_.counts) count += n;
  return count;
}

void Exponential::Write(ByteWriter& writer) const {
  writer.SignedVarint(schema_);
  writer.Varint(zero_count_);
  for (const Buckets* buckets : {&positive_, &negative_}) {
    writer.SignedVarint(buckets->counts.empty() ? 0 : buckets->first);
    WriteSpans(buckets->counts, writer);
  }
}

void Exponential::Read(ByteReader& reader, const Declaration& declaration) {
  const int64_t schema = reader.SignedVarint();
  if (schema < kMinSchema || schema > declaration.schema) return reader.Fail();
  schema_ = static_cast<int>(schema);
  max_buckets_ = declaration.max_buckets;
  zero_count_ = reader.Varint();
  const auto coarsest = static_cast<uint32_t>(LastBucket(kMinSchema) - FirstBucket(kMinSchema) + 1);
  for (Buckets* buckets : {&positive_, &negative_}) {
    const int64_t first = reader.SignedVarint();
    if (first < FirstBucket(schema_) || first > LastBucket(schema_)) return reader.Fail();
    buckets->first = static_cast<int32_t>(first);
    buckets->counts.clear();
    const uint32_t cap = schema_ == kMinSchema ? std::max(coarsest, max_buckets_) : max_buckets_;
    ReadSpans(reader, cap, buckets->counts);
    if (buckets->counts.empty()) continue;
    if (buckets->counts.front() == 0 || buckets->last() > LastBucket(schema_)) return reader.Fail();
  }
}

}  // namespace isotel::metrics

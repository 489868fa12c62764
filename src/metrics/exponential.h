// Exponential histograms: buckets (base^(i-1), base^i] with base = 2^(2^-schema), schema -4..8, as in Prometheus
// native histograms. (OpenTelemetry calls the schema scale and numbers each bucket one less.)
//
// A histogram starts at its declared resolution. It halves the resolution whenever one sign needs more buckets than the
// limit. Halving commutes with adding, so the result depends only on the recorded values.
#pragma once

#include <cstdint>
#include <vector>

#include "base/wire.h"
#include "metrics/declaration.h"

namespace isotel::metrics {

/// Finds bucket numbers by the bits of a double and a table of bounds. It uses no logarithm, which platforms round
/// differently.
class ExponentialTable {
 public:
  ExponentialTable();

  /// Returns the bucket of a positive finite value: the one with the smallest upper bound that is not below it.
  [[nodiscard]] int32_t BucketOf(double value, int schema) const;

 private:
  // 2^(i/256 - 1), correctly rounded. Coarser schemas use every second, fourth, ... bound.
  double bounds_[256];
};

/// A window of consecutive buckets; the first and the last are not empty.
struct Buckets {
  int32_t first = 0;
  std::vector<uint64_t> counts;

  [[nodiscard]] int32_t last() const { return first + static_cast<int32_t>(counts.size()) - 1; }
  /// Widens the window as needed.
  void Add(int32_t bucket, uint64_t count);
  /// Renumbers for a resolution that is 2^steps times coarser.
  void Coarsen(int steps);

  friend bool operator==(const Buckets&, const Buckets&) = default;
};

class Exponential {
 public:
  Exponential() = default;
  explicit Exponential(const Declaration& declaration)
      : schema_(declaration.schema), max_buckets_(declaration.max_buckets) {}

  /// Allocates max_buckets for both signs, so that Record() does not allocate.
  void ReserveAll();
  /// Counts a finite value.
  void Record(double value, double zero_threshold, const ExponentialTable& table);
  /// Removes the counts and keeps resolution and memory.
  void Clear();
  void Merge(const Exponential& other);
  /// Lowers the resolution to `schema` if it is finer.
  void CoarsenTo(int schema);

  [[nodiscard]] int schema() const { return schema_; }
  [[nodiscard]] uint64_t zero_count() const { return zero_count_; }
  [[nodiscard]] const Buckets& positive() const { return positive_; }
  [[nodiscard]] const Buckets& negative() const { return negative_; }
  /// All values counted, modulo 2^64.
  [[nodiscard]] uint64_t Count() const;

  void Write(ByteWriter& writer) const;
  /// Reads what Write() wrote of a histogram with this declaration. Fails the reader for buckets outside the range of
  /// doubles, for more buckets than the limit, and for a window that begins or ends with an empty bucket.
  void Read(ByteReader& reader, const Declaration& declaration);

  friend bool operator==(const Exponential&, const Exponential&) = default;

 private:
  // Coarsens until `bucket` (at schema_ when called) fits into the window.
  void MakeRoom(Buckets& buckets, int32_t bucket);

  int schema_ = 0;
  uint32_t max_buckets_ = 0;
  uint64_t zero_count_ = 0;
  Buckets positive_;
  Buckets negative_;
};

/// Returns the upper bound of a bucket of a schema <= 0; infinite past the largest double.
[[nodiscard]] double UpperBound(int32_t bucket, int schema);

/// Returns the number of `bucket` after `steps` halvings of the resolution.
[[nodiscard]] constexpr int32_t CoarserBucket(int32_t bucket, int steps) { return ((bucket - 1) >> steps) + 1; }

}  // namespace isotel::metrics

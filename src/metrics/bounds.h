// Bucket bounds of explicit histograms: generators, and the search for a bucket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace isotel::metrics {

/// Returns whether these are 1 to kMaxBounds finite, strictly increasing numbers.
[[nodiscard]] bool AreBounds(std::span<const double> bounds);

/// Returns `count` bounds: start, start + width, ... Returns kInvalidBounds when AreBounds() is false.
Result<std::vector<double>> LinearBounds(double start, double width, uint32_t count);

/// Returns `count` bounds: start, start * factor, ... Returns kInvalidBounds unless start > 0 and factor > 1.
Result<std::vector<double>> ExponentialBounds(double start, double factor, uint32_t count);

/// Returns 10^(first_decade + i / per_decade) for i = 0..decades * per_decade. Bounds are rounded to 7 significant
/// digits, so that powers of ten are exact and every platform has the same bounds. Returns kInvalidBounds unless
/// per_decade is 1..18 and the decades are within -15..16.
Result<std::vector<double>> PerDecadeBounds(int first_decade, uint32_t decades, uint32_t per_decade);

/// Returns the bucket of a value: the first whose inclusive upper bound is not below it, or `count` for +Inf. The value
/// must not be NaN.
[[nodiscard]] inline size_t BucketOf(const double* bounds, size_t count, double value) {
  const double* first = bounds;
  size_t left = count;
  while (left > 1) {
    const size_t half = left / 2;
    first += first[half - 1] < value ? half : 0;
    left -= half;
  }
  return static_cast<size_t>(first - bounds) + (left == 1 && *first < value ? 1 : 0);
}

}  // namespace isotel::metrics

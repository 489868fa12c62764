// Bucket bounds of explicit histograms: generators and the search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace isotel::metrics {

/// Whether these are 1 to kMaxBounds finite, strictly increasing numbers.
[[nodiscard]] bool AreBounds(std::span<const double> bounds);

/// start, start + width, ...: `count` of them. kInvalidBounds when that is no list of bounds.
Result<std::vector<double>> LinearBounds(double start, double width, uint32_t count);

/// start, start * factor, ...: `count` of them, start > 0 and factor > 1. kInvalidBounds otherwise.
Result<std::vector<double>> ExponentialBounds(double start, double factor, uint32_t count);

/// 10^(first_decade + i / per_decade) for i = 0..decades * per_decade, rounded to 7 significant digits, so that
/// powers of ten are exact and every platform has the same bounds. per_decade 1..18, the decades within
/// -15..16. kInvalidBounds otherwise.
Result<std::vector<double>> PerDecadeBounds(int first_decade, uint32_t decades, uint32_t per_decade);

/// The bucket of a value: the first whose inclusive upper bound is not below it, bounds.size() for +Inf. A NaN
/// belongs nowhere and must not be asked for.
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

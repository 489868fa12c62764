#include "metrics/bounds.h"

#include <cmath>

#include "base/limits.h"

namespace isotel::metrics {
namespace {

Result<std::vector<double>> Checked(std::vector<double> bounds) {
  if (!AreBounds(bounds)) return Error::kInvalidBounds;
  return bounds;
}

double PowerOf(double base, uint32_t exponent) {
  double power = 1;
  for (; exponent > 0; --exponent) power *= base;
  return power;
}

// Newton's method; libm's pow() brings 4 KB of tables and its own rounding.
double RootOfTen(uint32_t degree) {
  const double n = degree;
  double root = 1 + 2.302585 / n;
  for (int step = 0; step < 60; ++step) root -= (root - 10 / PowerOf(root, degree - 1)) / n;
  return root;
}

}  // namespace

bool AreBounds(std::span<const double> bounds) {
  if (bounds.empty() || bounds.size() > kMaxBounds) return false;
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (!std::isfinite(bounds[i])) return false;
    if (i > 0 && !(bounds[i - 1] < bounds[i])) return false;
  }
  return true;
}

Result<std::vector<double>> LinearBounds(double start, double width, uint32_t count) {
  if (count > kMaxBounds) return Error::kInvalidBounds;
  std::vector<double> bounds(count);
  for (uint32_t i = 0; i < count; ++i) bounds[i] = start + width * i;
  return Checked(std::move(bounds));
}

Result<std::vector<double>> ExponentialBounds(double start, double factor, uint32_t count) {
  if (count > kMaxBounds || !(start > 0) || !(factor > 1)) return Error::kInvalidBounds;
  std::vector<double> bounds(count);
  for (double& bound : bounds) {
    bound = start;
    start *= factor;
  }
  return Checked(std::move(bounds));
}

Result<std::vector<double>> PerDecadeBounds(int first_decade, uint32_t decades, uint32_t per_decade) {
  constexpr int kMinDecade = -15;
  constexpr int kMaxDecade = 16;
  const bool in_range = per_decade >= 1 && per_decade <= 18 && decades <= kMaxDecade - kMinDecade &&
                        first_decade >= kMinDecade && first_decade + static_cast<int>(decades) <= kMaxDecade &&
                        decades * per_decade < kMaxBounds;
  if (!in_range) return Error::kInvalidBounds;
  constexpr int kDigits = 6;
  constexpr double kScale = 1e6;
  const double root = RootOfTen(per_decade);
  std::vector<double> bounds;
  for (uint32_t i = 0; i <= decades * per_decade; ++i) {
    // Seven digits as an integer and one correctly rounded operation: the double nearest to the decimal text.
    const double digits = std::floor(PowerOf(root, i % per_decade) * kScale + 0.5);
    const int decade = first_decade + static_cast<int>(i / per_decade) - kDigits;
    const double power = PowerOf(10, static_cast<uint32_t>(decade < 0 ? -decade : decade));
    bounds.push_back(decade < 0 ? digits / power : digits * power);
  }
  return Checked(std::move(bounds));
}

}  // namespace isotel::metrics

#include "metrics/bounds.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/limits.h"

namespace isotel::metrics {
namespace {

size_t Bucket(const std::vector<double>& bounds, double value) { return BucketOf(bounds.data(), bounds.size(), value); }

TEST_CASE("An upper bound belongs to its bucket") {
  const std::vector<double> bounds{1, 10, 100, 1000};
  CHECK(Bucket(bounds, -5) == 0);
  CHECK(Bucket(bounds, 1) == 0);
  CHECK(Bucket(bounds, std::nextafter(1, 2)) == 1);
  CHECK(Bucket(bounds, 10) == 1);
  CHECK(Bucket(bounds, 100) == 2);
  CHECK(Bucket(bounds, 1000) == 3);
  CHECK(Bucket(bounds, 1000.5) == 4);
  CHECK(Bucket({}, 3) == 0);
}

TEST_CASE("The search agrees with std::lower_bound for every number of bounds") {
  for (uint32_t count = 1; count <= 70; ++count) {
    const std::vector<double> bounds = LinearBounds(0, 1, count).value();
    for (double value = -1; value <= count + 1; value += 0.5) {
      const auto expected = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
      CHECK(Bucket(bounds, value) == static_cast<size_t>(expected));
    }
  }
}

TEST_CASE("Linear and exponential bounds start where they are told and have their number") {
  CHECK(LinearBounds(5, 2.5, 4).value() == std::vector<double>{5, 7.5, 10, 12.5});
  CHECK(ExponentialBounds(0.01, 2, 14).value() ==
        std::vector<double>{0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92});
}

TEST_CASE("Per-decade bounds have seven digits and exact powers of ten") {
  CHECK(PerDecadeBounds(0, 3, 2).value() == std::vector<double>{1, 3.162278, 10, 31.62278, 100, 316.2278, 1000});
  CHECK(PerDecadeBounds(-3, 2, 1).value() == std::vector<double>{0.001, 0.01, 0.1});
  CHECK(PerDecadeBounds(15, 1, 1).value() == std::vector<double>{1e15, 1e16});
  for (uint32_t per_decade = 1; per_decade <= 18; ++per_decade) {
    const std::vector<double> bounds = PerDecadeBounds(-5, 10, per_decade).value();
    REQUIRE(bounds.size() == 10 * per_decade + 1);
    for (size_t i = 0; i < bounds.size(); ++i) {
      const double exact = std::pow(10, -5 + static_cast<double>(i) / per_decade);
      CHECK(std::abs(bounds[i] / exact - 1) < 5.1e-7);
    }
  }
}

TEST_CASE("Bounds that are not finite, increasing or too many are refused") {
  CHECK_FALSE(AreBounds({}));
  CHECK_FALSE(AreBounds(std::vector<double>{1, 1}));
  CHECK_FALSE(AreBounds(std::vector<double>{2, 1}));
  CHECK_FALSE(AreBounds(std::vector<double>{std::nan("")}));
  CHECK_FALSE(AreBounds(std::vector<double>{1, std::numeric_limits<double>::infinity()}));
  CHECK_FALSE(AreBounds(std::vector<double>(kMaxBounds + 1)));
  CHECK(LinearBounds(0, 0, 3).error() == Error::kInvalidBounds);
  CHECK(LinearBounds(0, 1, kMaxBounds + 1).error() == Error::kInvalidBounds);
  CHECK(LinearBounds(0, 1, 0).error() == Error::kInvalidBounds);
  CHECK(ExponentialBounds(0, 2, 3).error() == Error::kInvalidBounds);
  CHECK(ExponentialBounds(1, 1, 3).error() == Error::kInvalidBounds);
  CHECK(ExponentialBounds(1, 1e300, 3).error() == Error::kInvalidBounds);
  CHECK(PerDecadeBounds(0, 3, 0).error() == Error::kInvalidBounds);
  CHECK(PerDecadeBounds(0, 3, 19).error() == Error::kInvalidBounds);
  CHECK(PerDecadeBounds(-16, 3, 1).error() == Error::kInvalidBounds);
  CHECK(PerDecadeBounds(0, 17, 1).error() == Error::kInvalidBounds);
  CHECK(PerDecadeBounds(0, UINT32_MAX, 18).error() == Error::kInvalidBounds);
}

}  // namespace
}  // namespace isotel::metrics

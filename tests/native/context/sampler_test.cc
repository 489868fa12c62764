#include "context/sampler.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "context/id_generator.h"

namespace isotel::context {
namespace {

std::array<char, 16> TraceIdOf(uint64_t high, uint64_t low) {
  std::array<char, 16> id;
  std::memcpy(id.data(), &high, 8);
  std::memcpy(id.data() + 8, &low, 8);
  return id;
}

TEST_CASE("a child goes with its parent, whatever the ratio") {
  const auto id = TraceIdOf(1, 2);
  for (const double ratio : {0.0, 0.5, 1.0, std::nan("")}) {
    CHECK(ShouldSample(Parent::kSampled, id, ratio));
    CHECK_FALSE(ShouldSample(Parent::kNotSampled, id, ratio));
  }
}

TEST_CASE("of the traces that start here the ratio is sampled, and a higher ratio keeps what a lower one keeps") {
  IdGenerator ids;
  REQUIRE(ids.SetSeed({1, 2, 3, 4}));
  constexpr int kTraces = 20'000;
  int sampled[3] = {};
  for (int i = 0; i < kTraces; ++i) {
    const auto id = TraceIdOf(ids.Next(), ids.Next());
    CHECK_FALSE(ShouldSample(Parent::kNone, id, 0));
    CHECK_FALSE(ShouldSample(Parent::kNone, id, -1));
    CHECK_FALSE(ShouldSample(Parent::kNone, id, std::nan("")));
    CHECK(ShouldSample(Parent::kNone, id, 1));
    CHECK(ShouldSample(Parent::kNone, id, 2));
    bool before = false;
    for (const int step : {0, 1, 2}) {
      const bool is_sampled = ShouldSample(Parent::kNone, id, 0.25 * (step + 1));
      CHECK((is_sampled || !before));
      before = is_sampled;
      sampled[step] += is_sampled ? 1 : 0;
    }
  }
  for (const int step : {0, 1, 2}) CHECK(std::abs(sampled[step] - kTraces / 4 * (step + 1)) < kTraces / 50);
}

TEST_CASE("xoshiro256++ gives the numbers of its reference for a seed, and none without one") {
  IdGenerator ids;
  CHECK(ids.Next() == 0);
  CHECK_FALSE(ids.SetSeed({}));
  REQUIRE(ids.SetSeed({1, 2, 3, 4}));
  for (const uint64_t expected : {uint64_t{41943041}, uint64_t{58720359}, uint64_t{3588806011781223},
                                  uint64_t{3591011842654386}, uint64_t{9228616714210784205U}}) {
    CHECK(ids.Next() == expected);
  }
}

}  // namespace
}  // namespace isotel::context

#include "trace/attribute_budget.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "base/limits.h"

namespace isotel::trace {
namespace {

constexpr uint32_t kMax = kMaxAttributeValueBytes;

AttributeSize Text(uint32_t bytes, uint32_t key_bytes = 10) { return {key_bytes, bytes, true}; }
AttributeSize Whole(uint32_t bytes, uint32_t key_bytes = 10) { return {key_bytes, bytes, false}; }

struct Fitted {
  FitResult result;
  std::vector<uint32_t> keep;
};

Fitted FitAll(const std::vector<AttributeSize>& sizes, uint32_t available) {
  // What Fit() does not write shows as a value that no decision can be.
  Fitted fitted{{}, std::vector<uint32_t>(sizes.size(), 0xDEAD'BEEF)};
  fitted.result = Fit(sizes, available, kMax, fitted.keep);
  return fitted;
}

TEST_CASE("Nothing fits into nothing") {
  CHECK(FitAll({}, 0).result.bytes == 0);
  const Fitted fitted = FitAll({Text(1), Whole(1)}, 0);
  CHECK(fitted.keep == std::vector<uint32_t>{0, 0});
  CHECK(fitted.result.dropped == 2);
}

TEST_CASE("What fits exactly is kept whole") {
  const Fitted fitted = FitAll({Text(100), Whole(8), Text(0)}, 138);
  CHECK(fitted.keep == std::vector<uint32_t>{kKeepAll, kKeepAll, kKeepAll});
  CHECK(fitted.result.bytes == 138);
  CHECK(fitted.result.cut + fitted.result.dropped == 0);
}

TEST_CASE("One byte too few cuts the largest text by one byte") {
  const Fitted fitted = FitAll({Text(100), Whole(8), Text(90)}, 227);
  CHECK(fitted.keep == std::vector<uint32_t>{99, kKeepAll, kKeepAll});
  CHECK(fitted.result.bytes == 227);
}

TEST_CASE("A text above the maximum is cut to it and a document above it is dropped") {
  const Fitted fitted = FitAll({Text(kMax + 1), Whole(kMax + 1), Text(kMax), Whole(kMax)}, UINT32_MAX);
  CHECK(fitted.keep == std::vector<uint32_t>{kMax, 0, kKeepAll, kKeepAll});
  CHECK(fitted.result.cut == 1);
  CHECK(fitted.result.dropped == 1);
  CHECK(fitted.result.bytes == 3 * (kMax + 10));
}

TEST_CASE("The largest texts pay first and share one length") {
  const Fitted fitted = FitAll({Text(1'000), Text(200), Text(5'000), Text(3'000)}, 40 + 200 + 1'000 + 2 * 1'500);
  CHECK(fitted.keep == std::vector<uint32_t>{kKeepAll, kKeepAll, 1'500, 1'500});
}

TEST_CASE("A common length is rounded down so that the sum still fits") {
  const Fitted fitted = FitAll({Text(500), Text(500), Text(500)}, 30 + 1'000);
  CHECK(fitted.keep == std::vector<uint32_t>{333, 333, 333});
  CHECK(fitted.result.bytes == 1'029);
}

TEST_CASE("A text is cut to 64 bytes at the least and dropped otherwise") {
  CHECK(FitAll({Text(500)}, 10 + 64).keep == std::vector<uint32_t>{64});
  CHECK(FitAll({Text(500)}, 10 + 63).keep == std::vector<uint32_t>{0});
  CHECK(FitAll({Text(65)}, 10 + 64).keep == std::vector<uint32_t>{64});
}

TEST_CASE("A document is never cut") {
  CHECK(FitAll({Whole(500)}, 509).keep == std::vector<uint32_t>{0});
  const Fitted fitted = FitAll({Whole(500), Text(500)}, 20 + 500 + 64);
  CHECK(fitted.keep == std::vector<uint32_t>{kKeepAll, 64});
}

TEST_CASE("When a value has to go it is the largest and what is left is judged anew") {
  const Fitted fitted = FitAll({Whole(300), Whole(600), Text(400)}, 720);
  CHECK(fitted.keep == std::vector<uint32_t>{kKeepAll, 0, kKeepAll});
  CHECK(fitted.result.bytes == 720);
}

TEST_CASE("A document that cannot fit goes before a longer text that can be cut") {
  CHECK(FitAll({Text(25'000), Whole(5'000)}, 4'000).keep == std::vector<uint32_t>{3'990, 0});
}

TEST_CASE("Of texts that cannot all be cut to 64 bytes the longest goes") {
  CHECK(FitAll({Text(70), Text(500), Text(70)}, 150).keep == std::vector<uint32_t>{65, 0, 65});
}

TEST_CASE("Of equal values the first is dropped first") {
  CHECK(FitAll({Whole(50), Whole(50)}, 60).keep == std::vector<uint32_t>{0, kKeepAll});
}

TEST_CASE("Numbers survive one huge text") {
  std::vector<AttributeSize> sizes(20, Whole(8, 30));
  sizes.push_back(Text(2'000'000'000));
  const Fitted fitted = FitAll(sizes, 20 * 38 + 100);
  CHECK(std::count(fitted.keep.begin(), fitted.keep.end(), kKeepAll) == 20);
  CHECK(fitted.keep.back() == 90);
}

TEST_CASE("An attribute whose key alone is too long does not push the others out") {
  const Fitted fitted = FitAll({Whole(8, 70'000), Text(2'000), Whole(1'000), Whole(8)}, 60'000);
  CHECK(fitted.keep == std::vector<uint32_t>{0, kKeepAll, kKeepAll, kKeepAll});
}

TEST_CASE("Sizes near the end of 32 bits do not overflow the sum") {
  const Fitted fitted = FitAll({{UINT32_MAX, UINT32_MAX, false}, {UINT32_MAX, UINT32_MAX, true}, Whole(8)}, 1'000);
  CHECK(fitted.keep == std::vector<uint32_t>{0, 0, kKeepAll});
  CHECK(fitted.result.bytes == 18);
  CHECK(FitAll({{UINT32_MAX, kMax, false}}, UINT32_MAX).keep == std::vector<uint32_t>{0});
}

struct Offer {
  std::vector<AttributeSize> sizes;
  uint32_t available = 0;
};

Offer Draw(std::mt19937& random) {
  const auto below = [&](uint32_t bound) { return static_cast<uint32_t>(random() % bound); };
  const uint32_t ranges[]{1, 9, 70, 200, 4'000, 2 * kMax};
  const uint32_t range = ranges[below(6)];
  Offer offer;
  offer.sizes.resize(below(140));
  uint32_t total = 0;
  for (AttributeSize& size : offer.sizes) {
    size = {below(60), below(4) == 0 ? below(ranges[below(6)]) : below(range), below(3) != 0};
    total += size.key_bytes + size.value_bytes;
  }
  offer.available = below(5) == 0 ? below(kNativeSpanBytes) : below(total + 2);
  return offer;
}

// What holds for every decision taken alone.
void CheckDecision(const AttributeSize& size, uint32_t keep) {
  if (keep == 0) return;
  if (keep == kKeepAll) {
    REQUIRE(size.value_bytes <= kMax);
    return;
  }
  REQUIRE(size.cuttable);
  REQUIRE(keep >= kMinCutBytes);
  REQUIRE(keep <= kMax);
  REQUIRE(keep < size.value_bytes);
}

void CheckLaws(const Offer& offer) {
  const auto& [sizes, available] = offer;
  const Fitted fitted = FitAll(sizes, available);
  uint64_t bytes = 0;     // kept
  uint64_t wanted = 0;    // by all that may be kept at all
  uint64_t at_least = 0;  // with every text cut as far as texts are cut
  uint32_t dropped = 0;
  uint32_t hopeless = 0;
  uint32_t cut = 0;
  uint32_t cut_to_fit = 0;
  uint32_t common = UINT32_MAX;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const AttributeSize& size = sizes[i];
    const uint32_t keep = fitted.keep[i];
    CheckDecision(size, keep);
    const uint32_t capped = std::min(size.value_bytes, kMax);
    if (!size.cuttable && size.value_bytes > kMax) {
      ++hopeless;
      REQUIRE(keep == 0);
    } else {
      wanted += size.key_bytes + capped;
      at_least += size.key_bytes + (size.cuttable ? std::min(capped, kMinCutBytes) : capped);
    }
    if (keep == 0) {
      ++dropped;
      continue;
    }
    bytes += size.key_bytes + (keep == kKeepAll ? size.value_bytes : keep);
    if (keep == kKeepAll) continue;
    ++cut;
    if (keep == kMax) continue;
    ++cut_to_fit;
    REQUIRE((common == UINT32_MAX || common == keep));
    common = keep;
  }
  REQUIRE(bytes <= available);
  REQUIRE(fitted.result.bytes == bytes);
  REQUIRE(fitted.result.dropped == dropped);
  REQUIRE(fitted.result.cut == cut);
  // Nothing is taken without need, and no more than rounding is left unused.
  if (wanted <= available) REQUIRE(bytes == wanted);
  if (at_least <= available) REQUIRE(dropped == hopeless);
  if (cut_to_fit > 0) REQUIRE(available - bytes < cut_to_fit);
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (fitted.keep[i] == 0) continue;
    const uint32_t capped = std::min(sizes[i].value_bytes, kMax);
    if (sizes[i].cuttable && fitted.keep[i] == kKeepAll) REQUIRE(capped <= common);
  }
}

TEST_CASE("Whatever is offered, the decisions fit, waste nothing and spare the small") {
  std::mt19937 random(20261120);
  for (int round = 0; round < 4'000; ++round) {
    CAPTURE(round);
    CheckLaws(Draw(random));
  }
}

TEST_CASE("Decisions do not depend on the order of different values") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<AttributeSize> sizes;
    for (uint32_t i = 0; i < 40; ++i) sizes.push_back({10, i * 37 + 1, i % 3 != 0});
    std::shuffle(sizes.begin(), sizes.end(), random);
    const Fitted fitted = FitAll(sizes, 12'000);
    const std::vector<AttributeSize> reversed(sizes.rbegin(), sizes.rend());
    Fitted other = FitAll(reversed, 12'000);
    std::reverse(other.keep.begin(), other.keep.end());
    REQUIRE(other.keep == fitted.keep);
    REQUIRE(fitted.result.cut > 0);
  }
}

TEST_CASE("Decisions past the sizes are left alone") {
  std::vector<uint32_t> keep(3, 99);
  const std::vector<AttributeSize> sizes{Text(5)};
  CHECK(Fit(sizes, 100, kMax, keep).bytes == 15);
  CHECK(keep == std::vector<uint32_t>{kKeepAll, 99, 99});
}

}  // namespace
}  // namespace isotel::trace

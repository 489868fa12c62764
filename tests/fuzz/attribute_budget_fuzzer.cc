// Fits any offer into any room: what is kept fits, is cut within its bounds only, and the counts
// agree with the decisions.
#include <algorithm>
#include <vector>

#include "base/limits.h"
#include "fuzz_input.h"
#include "trace/attribute_budget.h"

namespace {

using isotel::fuzz::Require;
using isotel::trace::AttributeSize;
using isotel::trace::kKeepAll;

constexpr uint32_t kMax = isotel::kMaxAttributeValueBytes;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  isotel::fuzz::Input input(data, size);
  const uint32_t available = input.Number();
  std::vector<AttributeSize> sizes;
  while (!input.empty() && sizes.size() < 200) {
    const uint32_t key_bytes = input.Number();
    const uint32_t value_bytes = input.Number();
    sizes.push_back({key_bytes, value_bytes, (key_bytes ^ value_bytes) % 3 != 0});
  }
  std::vector<uint32_t> keep(sizes.size(), 1);
  const isotel::trace::FitResult result = isotel::trace::Fit(sizes, available, kMax, keep);

  uint64_t bytes = 0;
  uint64_t wanted = 0;
  uint32_t dropped = 0;
  uint32_t cut = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto& [key_bytes, value_bytes, cuttable] = sizes[i];
    if (cuttable || value_bytes <= kMax) wanted += uint64_t{key_bytes} + std::min(value_bytes, kMax);
    if (keep[i] == 0) {
      ++dropped;
      continue;
    }
    bytes += uint64_t{key_bytes} + (keep[i] == kKeepAll ? value_bytes : keep[i]);
    if (keep[i] == kKeepAll) {
      Require(value_bytes <= kMax);
      continue;
    }
    ++cut;
    Require(cuttable && keep[i] >= isotel::kMinCutBytes && keep[i] <= kMax && keep[i] < value_bytes);
  }
  Require(bytes <= available && bytes == result.bytes);
  Require(dropped == result.dropped && cut == result.cut);
  Require(wanted > available || bytes == wanted);
  return 0;
}

#include "trace/attribute_budget.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/limits.h"
#include "base/sort.h"

namespace isotel::trace {
namespace {

// Returns the largest length to which texts may be cut so that all values fit, or 0 if even kMinCutBytes is too much
// and a value must be dropped. `order` lists the kept values by value_bytes, largest first. `total` is the size of
// these values before the cut.
uint64_t CommonLength(const std::vector<AttributeSize>& sizes, const std::vector<uint32_t>& order, uint64_t total,
                      uint64_t available) {
  uint64_t fixed = total;
  uint64_t cut_texts = 0;
  for (size_t at = 0; at < order.size(); ++at) {
    const AttributeSize& size = sizes[order[at]];
    if (!size.cuttable) continue;
    fixed -= size.value_bytes;
    ++cut_texts;
    if (fixed > available) continue;
    const uint64_t length = (available - fixed) / cut_texts;
    uint64_t next = 0;
    for (size_t after = at + 1; after < order.size() && next == 0; ++after) {
      if (sizes[order[after]].cuttable) next = sizes[order[after]].value_bytes;
    }
    if (length >= next) return length >= kMinCutBytes ? length : 0;
  }
  return 0;
}

// Returns the size of a value that is cut as far as allowed.
uint64_t LeastBytes(const AttributeSize& size) {
  const uint32_t value_bytes = size.cuttable ? std::min(size.value_bytes, kMinCutBytes) : size.value_bytes;
  return uint64_t{size.key_bytes} + value_bytes;
}

}  // namespace

FitResult Fit(std::span<const AttributeSize> sizes, uint32_t available_bytes, uint32_t max_value_bytes,
              std::span<uint32_t> keep) {
  FitResult result;
  std::vector<AttributeSize> wanted(sizes.begin(), sizes.end());
  std::vector<uint32_t> order;
  order.reserve(sizes.size());
  uint64_t total = 0;
  for (uint32_t i = 0; i < sizes.size(); ++i) {
    keep[i] = kKeepAll;
    if (wanted[i].value_bytes > max_value_bytes) {
      keep[i] = wanted[i].cuttable ? max_value_bytes : 0;
      wanted[i].value_bytes = max_value_bytes;
    }
    if (keep[i] == 0) continue;
    order.push_back(i);
    total += uint64_t{wanted[i].key_bytes} + wanted[i].value_bytes;
  }
  Sort(
      order,
      [](const void* context, uint32_t a, uint32_t b) {
        const auto& values = *static_cast<const std::vector<AttributeSize>*>(context);
        return values[a].value_bytes != values[b].value_bytes ? values[a].value_bytes > values[b].value_bytes : a < b;
      },
      &wanted);

  uint64_t common = UINT64_MAX;
  while (total > available_bytes) {
    common = CommonLength(wanted, order, total, available_bytes);
    if (common != 0) break;
    const auto heaviest = std::max_element(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return LeastBytes(wanted[a]) < LeastBytes(wanted[b]);
    });
    const uint32_t largest = *heaviest;
    order.erase(heaviest);
    total -= uint64_t{wanted[largest].key_bytes} + wanted[largest].value_bytes;
    keep[largest] = 0;
    common = UINT64_MAX;
  }

  for (const uint32_t i : order) {
    if (wanted[i].cuttable && wanted[i].value_bytes > common) {
      keep[i] = static_cast<uint32_t>(common);
      wanted[i].value_bytes = keep[i];
    }
    result.bytes += uint64_t{wanted[i].key_bytes} + wanted[i].value_bytes;
  }
  for (const uint32_t decision : keep.first(sizes.size())) {
    if (decision == 0) ++result.dropped;
    if (decision != 0 && decision != kKeepAll) ++result.cut;
  }
  return result;
}

}  // namespace isotel::trace

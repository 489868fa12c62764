#include "base/sort.h"

#include <algorithm>

namespace isotel {

void Sort(std::vector<uint32_t>& numbers, bool (*less)(const void* context, uint32_t a, uint32_t b),
          const void* context) {
  const auto compare = [less, context](uint32_t a, uint32_t b) { return less(context, a, b); };
  if (std::is_sorted(numbers.begin(), numbers.end(), compare)) return;
  std::make_heap(numbers.begin(), numbers.end(), compare);
  std::sort_heap(numbers.begin(), numbers.end(), compare);
}

}  // namespace isotel

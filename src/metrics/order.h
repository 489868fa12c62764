// Sorting dense numbers: one instance of the algorithm for every order the core needs.
#pragma once

#include <cstdint>
#include <vector>

namespace isotel::metrics {

/// Sorts `numbers` by a strict weak order that `context` knows.
void Sort(std::vector<uint32_t>& numbers, bool (*less)(const void* context, uint32_t a, uint32_t b),
          const void* context);

}  // namespace isotel::metrics

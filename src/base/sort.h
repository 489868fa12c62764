// Sorts dense numbers. All orders share one instance of the algorithm, which a template would multiply.
#pragma once

#include <cstdint>
#include <vector>

namespace isotel {

/// Sorts `numbers` by a strict weak order. `less` gets `context` with each call.
void Sort(std::vector<uint32_t>& numbers, bool (*less)(const void* context, uint32_t a, uint32_t b),
          const void* context);

}  // namespace isotel

// Counts of everything that the core drops or refuses. One context owns them; the host may read them at any time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace isotel {

enum class Counter : uint32_t {
#define ISOTEL_COUNTER(name, wire_name) name,
#include "base/counters.def"
#undef ISOTEL_COUNTER
  kCount
};

inline constexpr size_t kCounterCount = static_cast<size_t>(Counter::kCount);

class Counters {
 public:
  void Add(Counter counter, uint64_t amount = 1) { values_[static_cast<size_t>(counter)] += amount; }
  [[nodiscard]] uint64_t Get(Counter counter) const { return values_[static_cast<size_t>(counter)]; }

 private:
  std::array<uint64_t, kCounterCount> values_{};
};

}  // namespace isotel

// Generational handles: the index of a slot in a table, and the generation of that slot when the handle was issued.
#pragma once

#include <cstdint>

namespace isotel {

/// The low kIndexBits are the slot, the other bits its generation, which is never 0. So 0 is not a valid handle.
using Handle = uint32_t;

inline constexpr Handle kNoHandle = 0;
inline constexpr uint32_t kIndexBits = 14;
inline constexpr uint32_t kMaxSlots = 1U << kIndexBits;
inline constexpr uint32_t kGenerationMask = (1U << (32 - kIndexBits)) - 1;

[[nodiscard]] constexpr uint32_t IndexOf(Handle handle) { return handle & (kMaxSlots - 1); }
[[nodiscard]] constexpr uint32_t GenerationOf(Handle handle) { return handle >> kIndexBits; }
[[nodiscard]] constexpr Handle MakeHandle(uint32_t index, uint32_t generation) {
  return (generation << kIndexBits) | index;
}
[[nodiscard]] constexpr uint32_t NextGeneration(uint32_t generation) {
  const uint32_t next = (generation + 1) & kGenerationMask;
  return next == 0 ? 1 : next;
}

}  // namespace isotel

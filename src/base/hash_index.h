// An open-addressing hash index of dense numbers. The caller owns the keys and compares them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace isotel {

class HashIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// Returns the number that was added under `hash` and for which `same(number)` holds, or kNone.
  template <typename Same>
  [[nodiscard]] uint32_t Find(uint64_t hash, Same&& same) const {
    if (slots_.empty()) return kNone;
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.number == kNone) return kNone;
      if (slot.hash == static_cast<uint32_t>(hash) && same(slot.number)) return slot.number;
    }
  }

  /// Adds a number that Find() does not find. kNone is not a valid number.
  void Add(uint64_t hash, uint32_t number) {
    if (++size_ * 4 > slots_.size() * 3) Grow();
    Place({static_cast<uint32_t>(hash), number});
  }

  void Clear() {
    slots_.clear();
    size_ = 0;
  }

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t number = kNone;
  };

  void Place(Slot slot) {
    const size_t mask = slots_.size() - 1;
    size_t at = slot.hash & mask;
    while (slots_[at].number != kNone) at = (at + 1) & mask;
    slots_[at] = slot;
  }

  void Grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.number != kNone) Place(slot);
    }
  }

  // The size is a power of two. At least one slot is free.
  std::vector<Slot> slots_;
  size_t size_ = 0;
};

}  // namespace isotel

// A table of T, addressed by generational handles. It reuses slots last in, first out, so that a busy table stays in a
// few cache lines. It grows up to its capacity and never shrinks.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/handle.h"
#include "base/result.h"

namespace isotel {

template <typename T>
class HandleTable {
 public:
  /// Holds `capacity` objects at the same time, at most kMaxSlots.
  explicit HandleTable(uint32_t capacity) : capacity_(capacity < kMaxSlots ? capacity : kMaxSlots) {}

  /// Adds a default-constructed T. Returns kLimitReached at the capacity.
  Result<Handle> Insert() {
    if (size_ == capacity_) return Error::kLimitReached;
    uint32_t index = first_free_;
    if (index == kNone) {
      index = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      first_free_ = slots_[index].older;
    }
    Slot& slot = slots_[index];
    slot.value = T{};
    slot.live = true;
    slot.older = newest_;
    slot.newer = kNone;
    (newest_ == kNone ? oldest_ : slots_[newest_].newer) = index;
    newest_ = index;
    ++size_;
    return MakeHandle(index, slot.generation);
  }

  /// Returns the object, or null for a handle of no live object.
  T* Find(Handle handle) {
    const uint32_t index = IndexOf(handle);
    if (index >= slots_.size()) return nullptr;
    Slot& slot = slots_[index];
    return slot.live && slot.generation == GenerationOf(handle) ? &slot.value : nullptr;
  }

  /// Returns why Find() failed: kAlreadyEnded when the handle was that of the slot's last object, else kStaleHandle.
  [[nodiscard]] Error Missing(Handle handle) const {
    const uint32_t index = IndexOf(handle);
    if (handle == kNoHandle || index >= slots_.size()) return Error::kStaleHandle;
    const bool was_last = NextGeneration(GenerationOf(handle)) == slots_[index].generation;
    return was_last && GenerationOf(handle) != 0 ? Error::kAlreadyEnded : Error::kStaleHandle;
  }

  /// Removes the object of a live handle. Does nothing for any other handle.
  void Erase(Handle handle) {
    if (Find(handle) == nullptr) return;
    Slot& slot = slots_[IndexOf(handle)];
    (slot.newer == kNone ? newest_ : slots_[slot.newer].older) = slot.older;
    (slot.older == kNone ? oldest_ : slots_[slot.older].newer) = slot.newer;
    slot.live = false;
    slot.generation = NextGeneration(slot.generation);
    slot.older = first_free_;
    first_free_ = IndexOf(handle);
    --size_;
  }

  /// Returns the handle of the object that was inserted first, or kNoHandle for an empty table.
  [[nodiscard]] Handle oldest() const {
    return oldest_ == kNone ? kNoHandle : MakeHandle(oldest_, slots_[oldest_].generation);
  }

  /// Returns the handle of the object that was inserted last, or kNoHandle for an empty table.
  [[nodiscard]] Handle newest() const {
    return newest_ == kNone ? kNoHandle : MakeHandle(newest_, slots_[newest_].generation);
  }

  [[nodiscard]] uint32_t size() const { return size_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Slot {
    T value{};
    uint32_t generation = 1;
    uint32_t older = kNone;  // of a live slot the one inserted before it, of a free slot the next free one
    uint32_t newer = kNone;
    bool live = false;
  };

  std::vector<Slot> slots_;
  uint32_t capacity_;
  uint32_t size_ = 0;
  uint32_t first_free_ = kNone;
  uint32_t newest_ = kNone;
  uint32_t oldest_ = kNone;
};

}  // namespace isotel

// A table of T addressed by generational handles. Slots are reused last in, first out, so that a busy table
// stays in a few cache lines; memory grows up to the capacity and is kept.
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
  /// `capacity` objects at the same time; at most kMaxSlots.
  explicit HandleTable(uint32_t capacity) : capacity_(capacity < kMaxSlots ? capacity : kMaxSlots) {}

  /// A default-constructed T, or kLimitReached.
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

  /// The object, or null when the handle is not that of a live one.
  T* Find(Handle handle) {
    const uint32_t index = IndexOf(handle);
    if (index >= slots_.size()) return nullptr;
    Slot& slot = slots_[index];
    return slot.live && slot.generation == GenerationOf(handle) ? &slot.value : nullptr;
  }

  /// Why Find() failed: kAlreadyEnded when the slot's last object carried this handle, else kStaleHandle.
  [[nodiscard]] Error Missing(Handle handle) const {
    const uint32_t index = IndexOf(handle);
    if (handle == kNoHandle || index >= slots_.size()) return Error::kStaleHandle;
    const bool was_last = NextGeneration(GenerationOf(handle)) == slots_[index].generation;
    return was_last && GenerationOf(handle) != 0 ? Error::kAlreadyEnded : Error::kStaleHandle;
  }

  /// Frees the slot of a live handle; does nothing for any other.
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

  /// The handle of the object that was inserted first; kNoHandle when there is none.
  [[nodiscard]] Handle oldest() const {
    return oldest_ == kNone ? kNoHandle : MakeHandle(oldest_, slots_[oldest_].generation);
  }

  /// The handle of the object that was inserted last; kNoHandle when there is none.
  [[nodiscard]] Handle newest() const {
    return newest_ == kNone ? kNoHandle : MakeHandle(newest_, slots_[newest_].generation);
  }

  [[nodiscard]] uint32_t size() const { return size_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Slot {
    T value{};
    uint32_t generation = 1;
    uint32_t older = kNone;  // the one inserted before, or the next free slot
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

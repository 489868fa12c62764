// A bounded set of the identifiers that were added last, to recognise late events.
#pragma once

#include <cstddef>
#include <vector>

#include "flue/id.h"

namespace isotel::flue {

class RecentIds {
 public:
  /// Remembers `capacity` identifiers. The capacity is at least 1.
  explicit RecentIds(size_t capacity) : ring_(capacity) {}

  /// Adds an identifier, unless it is there. Past the capacity it removes the one that was added first.
  void Add(const Id& id) {
    if (positions_.find(id) != positions_.end()) return;
    if (ring_[next_] != nullptr) positions_.erase(positions_.find(*ring_[next_]));
    ring_[next_] = &positions_.emplace(id, next_).first->first;
    next_ = (next_ + 1) % ring_.size();
  }

  void Remove(const Id& id) {
    const auto found = positions_.find(id);
    if (found == positions_.end()) return;
    ring_[found->second] = nullptr;
    positions_.erase(found);
  }

  [[nodiscard]] bool Contains(const Id& id) const { return positions_.find(id) != positions_.end(); }

 private:
  size_t next_ = 0;
  IdMap<size_t> positions_;
  std::vector<const OwnedId*> ring_;  // keys of positions_; null for free places
};

}  // namespace isotel::flue

// The last so many texts that were added, to recognize what comes after its end.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "flue/text_map.h"

namespace isotel::flue {

class RecentIds {
 public:
  /// Remembers `capacity` texts, at least one.
  explicit RecentIds(size_t capacity) : ring_(capacity) {}

  /// Adds a text; the one that was added first goes when there are too many. Nothing happens when it is there.
  void Add(std::string_view text) {
    if (positions_.find(text) != positions_.end()) return;
    if (ring_[next_] != nullptr) positions_.erase(*ring_[next_]);
    ring_[next_] = &positions_.emplace(text, next_).first->first;
    next_ = (next_ + 1) % ring_.size();
  }

  void Remove(std::string_view text) {
    const auto found = positions_.find(text);
    if (found == positions_.end()) return;
    ring_[found->second] = nullptr;
    positions_.erase(found);
  }

  [[nodiscard]] bool Contains(std::string_view text) const { return positions_.find(text) != positions_.end(); }

 private:
  size_t next_ = 0;
  TextMap<size_t> positions_;
  std::vector<const std::string*> ring_;  // keys of positions_; null where there is none
};

}  // namespace isotel::flue

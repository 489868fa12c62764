// Which sequence numbers of one producer were seen: all up to a watermark, and runs of numbers beyond it.
#pragma once

#include <cstdint>
#include <vector>

#include "metrics/wire.h"

namespace isotel::metrics {

class DedupWindow {
 public:
  [[nodiscard]] bool Contains(uint64_t sequence) const;

  /// Adds a number Contains() does not have, 1..kMaxSequence. Returns how many older numbers were given up:
  /// past kMaxSequenceRuns runs the lowest gap closes, so that what would still arrive of it counts as seen.
  uint64_t Insert(uint64_t sequence);

  [[nodiscard]] uint64_t watermark() const { return watermark_; }
  [[nodiscard]] size_t runs() const { return runs_.size(); }

  void Write(ByteWriter& writer) const;
  /// Fails the reader when it is no window.
  void Read(ByteReader& reader);

 private:
  struct Run {
    uint64_t first = 0;
    uint64_t last = 0;
  };

  uint64_t watermark_ = 0;
  // Ascending, with gaps between them and above the watermark.
  std::vector<Run> runs_;
};

}  // namespace isotel::metrics

// The sequence numbers of one producer that were seen: all up to a watermark, and runs of numbers above it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/wire.h"

namespace isotel::metrics {

class DedupWindow {
 public:
  DedupWindow() = default;
  /// Has seen all numbers up to `watermark`.
  explicit DedupWindow(uint64_t watermark) : watermark_(watermark) {}

  [[nodiscard]] bool Contains(uint64_t sequence) const;

  /// Adds a number, 1..kMaxSequence, for which Contains() is false. Past kMaxSequenceRuns runs it closes the lowest
  /// gap: the missing numbers count as seen from then on. Returns how many numbers it gave up.
  uint64_t Insert(uint64_t sequence);

  [[nodiscard]] uint64_t watermark() const { return watermark_; }
  [[nodiscard]] size_t runs() const { return runs_.size(); }

  void Write(ByteWriter& writer) const;
  /// Fails the reader for bytes that are not a window.
  void Read(ByteReader& reader);

 private:
  struct Run {
    uint64_t first = 0;
    uint64_t last = 0;
  };

  uint64_t watermark_ = 0;
  // Ascending and above the watermark, with gaps between the runs.
  std::vector<Run> runs_;
};

}  // namespace isotel::metrics

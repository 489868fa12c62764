// Snapshots: the totals of one or more aggregators, to publish, merge and render.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "metrics/store.h"

namespace isotel::metrics {

enum class AggregatorCounter : uint32_t {
#define ISOTEL_AGGREGATOR_COUNTER(name, kind, metric, help) name,
#include "metrics/aggregator_counters.def"
#undef ISOTEL_AGGREGATOR_COUNTER
  kCount
};
inline constexpr size_t kAggregatorCounterCount = static_cast<size_t>(AggregatorCounter::kCount);

/// Reads and writes a number for each AggregatorCounter. A writer of another build may know fewer or more: what
/// is missing reads as zero, what is unknown is left out.
class AggregatorCounters {
 public:
  uint64_t& operator[](AggregatorCounter counter) { return values_[static_cast<size_t>(counter)]; }
  uint64_t operator[](AggregatorCounter counter) const { return values_[static_cast<size_t>(counter)]; }

  void Write(ByteWriter& writer) const;
  /// Adds what Write() wrote.
  void Merge(ByteReader& reader);

 private:
  std::array<uint64_t, kAggregatorCounterCount> values_{};
};

struct SnapshotInfo {
  uint64_t version = 0;  ///< grows with every snapshot of an aggregator; shards add up
  uint64_t unix_ms = 0;  ///< when it was made; of several the latest
  AggregatorCounters counters;
};

/// What a snapshot tells about itself; its body is not read. kCorrupt or kUnknownVersion.
Result<SnapshotInfo> PeekSnapshot(std::string_view bytes);

/// Totals that snapshots are merged into. Merging is associative and commutative, byte for byte.
class Snapshot {
 public:
  /// kCorrupt or kUnknownVersion; then this snapshot may be partly changed and must not be written.
  Error Merge(std::string_view bytes);
  void Write(ByteWriter& writer) const { Write(info_, store_, writer); }

  static void Write(const SnapshotInfo& info, const Store& store, ByteWriter& writer);

  [[nodiscard]] const SnapshotInfo& info() const { return info_; }
  [[nodiscard]] const Store& store() const { return store_; }
  [[nodiscard]] Store& store() { return store_; }

 private:
  SnapshotInfo info_;
  Store store_;
};

}  // namespace isotel::metrics

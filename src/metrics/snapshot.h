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

/// A number for each AggregatorCounter. Another build may have written fewer or more: missing ones are zero, unknown
/// ones are ignored.
class AggregatorCounters {
 public:
  uint64_t& operator[](AggregatorCounter counter) { return values_[static_cast<size_t>(counter)]; }
  uint64_t operator[](AggregatorCounter counter) const { return values_[static_cast<size_t>(counter)]; }

  void Write(ByteWriter& writer) const;
  /// Reads what Write() wrote and adds it.
  void Merge(ByteReader& reader);

 private:
  std::array<uint64_t, kAggregatorCounterCount> values_{};
};

/// An expiry that never passes.
inline constexpr uint64_t kNeverMs = UINT64_MAX;

struct SnapshotInfo {
  uint64_t version = 0;  ///< grows with every snapshot of an aggregator; of shards the sum
  uint64_t unix_ms = 0;  ///< when it was written; of shards the latest
  /// How long a series is shown after its last value arrived; of shards the longest.
  uint64_t series_expiry_ms = 0;
  AggregatorCounters counters;
};

/// Reads the head of a snapshot and not its body. Returns kCorrupt or kUnknownVersion.
Result<SnapshotInfo> PeekSnapshot(std::string_view bytes);

/// Totals merged from any number of snapshots. Merging is associative and commutative, byte for byte.
class Snapshot {
 public:
  /// Merges a snapshot. After kCorrupt or kUnknownVersion this snapshot may be partly changed and must not be written.
  Error Merge(std::string_view bytes);
  void Write(ByteWriter& writer) const { Write(info_, store_, writer); }

  static void Write(const SnapshotInfo& info, const Store& store, ByteWriter& writer);

  /// Returns whether the last value of a series arrived longer ago than the series expiry. Its aggregator removes it
  /// later.
  [[nodiscard]] bool IsExpired(const Series& series, double now_unix_ms) const;

  [[nodiscard]] const SnapshotInfo& info() const { return info_; }
  [[nodiscard]] const Store& store() const { return store_; }
  [[nodiscard]] Store& store() { return store_; }

 private:
  SnapshotInfo info_;
  Store store_;
};

}  // namespace isotel::metrics

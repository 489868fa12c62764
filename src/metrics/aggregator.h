// Exactly-once totals: delta frames in, chunks of state and snapshots out.
//
// The aggregator holds everything in memory; the host stores chunks and keeps one aggregator at a time alive per
// store. Its life: Load() every stored chunk, FinishLoad(), then any number of Apply(), Prune(), WriteSnapshot(),
// and after each batch of them TakeChanges(), whose chunks go to the store in one transaction before anything is
// acknowledged. When that transaction fails the aggregator must be thrown away and loaded anew. So a crash
// between any two steps loses nothing: what was not stored is delivered again, what was is recognised.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/dedup_window.h"
#include "metrics/frame.h"
#include "metrics/snapshot.h"

namespace isotel::metrics {

struct AggregatorOptions {
  /// How long a producer is remembered after its last frame. Longer than any queue redelivers: an older frame of
  /// an unknown producer is refused, so that none is added twice.
  uint64_t producer_retention_ms = uint64_t{14} * 24 * 3600 * 1000;
  /// How long a gauge counts after its producer wrote it.
  uint64_t gauge_expiry_ms = 300'000;
};

/// A part of the state with a key of its own, rewritten whole when it changes.
struct Chunk {
  uint32_t key = 0;
  std::string_view bytes;
};
/// The next chunk of a list that Aggregator::TakeChanges() wrote; false at the end.
bool NextChunk(ByteReader& list, Chunk& chunk);

class Aggregator {
 public:
  explicit Aggregator(const AggregatorOptions& options) : options_(options) {}
  Aggregator(const Aggregator&) = delete;
  Aggregator& operator=(const Aggregator&) = delete;

  /// Takes one stored chunk, in ascending order of keys. After an error (kCorrupt, kUnknownVersion) every other
  /// call answers the same: what cannot be read is never overwritten.
  Error Load(uint32_t key, std::string_view bytes);
  /// Ends loading; kCorrupt when a chunk is missing. No chunks at all are an empty state.
  Error FinishLoad();

  enum class Applied : uint32_t { kApplied = 0, kDuplicate = 1 };
  /// Adds a frame to the totals unless it was before. On an error (kCorrupt, kUnknownVersion, kTooLarge, kTooOld,
  /// kLimitReached for one producer too many) the totals are as before and the frame is counted. kUnknownVersion is not
  /// final: a newer build can read the frame, so the caller keeps it and delivers it again.
  Result<Applied> Apply(std::string_view frame, double now_unix_ms);

  /// Forgets producers idle for the retention and gauges past their expiry. Totals stay.
  Error Prune(double now_unix_ms);
  /// When Prune() will next forget something; UINT64_MAX when there is nothing to forget.
  [[nodiscard]] uint64_t NextPruneUnixMs() const;

  /// Adds to a counter of what the host does with the totals; kOutOfRange when it is none of those.
  Error CountHost(uint32_t counter, double amount);

  /// Writes the totals under the next version.
  Error WriteSnapshot(double now_unix_ms, ByteWriter& writer);

  /// Replaces what `writer` holds by every chunk that changed since the last call, ascending by key: a list of
  /// {uint32_t key, uint32_t size, bytes}.
  Error TakeChanges(ByteWriter& writer);
  [[nodiscard]] bool changed() const;

  [[nodiscard]] const AggregatorCounters& counters() const { return counters_; }
  [[nodiscard]] const Store& store() const { return store_; }
  [[nodiscard]] uint32_t producers() const { return live_producers_; }

 private:
  struct Gauge {
    uint32_t series = 0;
    uint64_t sequence = 0;
    uint64_t unix_ms = 0;
    double value = 0;
  };
  struct Producer {
    ProducerId id{};
    bool live = false;
    uint64_t last_seen_unix_ms = 0;
    DedupWindow window;
    std::vector<Gauge> gauges;  // ascending by series
  };
  enum class ChunkType : uint32_t { kHead = 0, kFamilies = 1, kSeries = 2, kProducers = 3 };

  [[nodiscard]] uint32_t FindProducer(const ProducerId& id) const;
  uint32_t AddProducer(const ProducerId& id);
  void IndexProducers();
  void SetGauge(Producer& producer, const FrameHeader& header, const GaugeUpdate& update);
  static bool DropGauges(Producer& producer, uint64_t before_unix_ms);
  void MarkChanged(ChunkType type, size_t item);
  Error Count(AggregatorCounter counter, Error error);

  void LoadHead(ByteReader& reader);
  void LoadFamilies(ByteReader& reader);
  void LoadSeries(ByteReader& reader);
  void LoadProducers(ByteReader& reader);
  void WriteChunk(ChunkType type, uint32_t number, ByteWriter& writer) const;

  AggregatorOptions options_;
  Error state_ = Error::kOk;
  Store store_;
  std::vector<Producer> producers_;
  HashIndex producer_index_;
  uint32_t live_producers_ = 0;
  uint64_t snapshot_version_ = 0;
  AggregatorCounters counters_;
  Changes changes_;
  // By type, a flag for each chunk.
  std::vector<uint8_t> changed_[4];
  // What the head chunk says there is, while loading.
  uint32_t expected_[4] = {};
};

}  // namespace isotel::metrics

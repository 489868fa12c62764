// Exactly-once totals: delta frames in, chunks of state and snapshots out.
//
// The aggregator holds everything in memory but producers that are archived: the host stores a record of each under its
// identifier. The host stores the chunks too, and has one aggregator at a time per store:
//
//  1. Load() every stored chunk, then FinishLoad().
//  2. AppendMissing() the producers of the frames that are to be applied, and Restore() those that have a record.
//     Restore() sets a producer aside whose record cannot be read, until the changes are taken.
//  3. Any number of Apply(), Prune(), Expire() and WriteSnapshot().
//  4. TakeChanges(). Make these changes in one transaction, then acknowledge the frames and go on with step 2.
//
// When the transaction fails, throw the aggregator away and begin with step 1. So a crash between any two steps loses
// nothing: frames that were not stored are delivered again, and frames that were stored are recognised. A producer is
// archived by TakeChanges() alone. So a record that step 2 does not find is not about to be stored either.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "metrics/frame.h"
#include "metrics/producers.h"
#include "metrics/snapshot.h"

namespace isotel::metrics {

struct AggregatorOptions {
  /// How long a producer is remembered after its last frame. Must be longer than any queue redelivers: an older frame
  /// of an unknown producer is refused, so that no frame is added twice. Default: 14 days.
  uint64_t producer_retention_ms = uint64_t{14} * 24 * 3600 * 1000;
  /// How long a gauge counts after its producer wrote it. Default: 5 min.
  uint64_t gauge_expiry_ms = 300'000;
  /// A producer without gauges is archived when it was idle for longer. Default: 10 min.
  uint64_t archive_after_ms = 600'000;
  uint32_t max_resident_producers = kMaxResidentProducers;
  uint32_t max_resident_gauges = kMaxResidentGauges;
  /// How long a series is shown after its last value arrived, or kNeverMs. Default: 60 days.
  uint64_t series_expiry_ms = uint64_t{60} * 24 * 3600 * 1000;
  /// Stored series past these limits stay.
  StoreLimits limits = {};
};

/// Keys of changes that are not chunks. Keys of chunks are lower.
/// The identifiers of the producers whose records are to be removed.
inline constexpr uint32_t kRemovedKey = 4U << 24;
/// The record of an archived producer. Its identifier is at kRecordIdAt, its time of last frame, a uint64_t, follows.
inline constexpr uint32_t kArchivedKey = 5U << 24;
inline constexpr size_t kRecordIdAt = 4;

/// A part of the state under its own key. A change rewrites the whole chunk. A chunk without bytes is to be deleted.
struct Chunk {
  uint32_t key = 0;
  std::string_view bytes;
};
/// Reads the next chunk of a list that Aggregator::TakeChanges() wrote. Returns false at the end.
bool NextChunk(ByteReader& list, Chunk& chunk);

class Aggregator {
 public:
  explicit Aggregator(const AggregatorOptions& options);
  Aggregator(const Aggregator&) = delete;
  Aggregator& operator=(const Aggregator&) = delete;

  /// Loads one stored chunk. Call it in ascending order of keys. After an error (kCorrupt, kUnknownVersion) every other
  /// call returns the same error: chunks that cannot be read are never overwritten.
  Error Load(uint32_t key, std::string_view bytes);
  /// Ends loading. Returns kCorrupt when a chunk is missing. No chunks at all are an empty state.
  Error FinishLoad();

  /// Appends those of a list of identifiers of producers that may have a record. A frame has the identifier of its
  /// producer at 4, in every version.
  Error AppendMissing(std::string_view ids, ByteWriter& writer) const;
  /// Reads the record of an archived producer. If it cannot be read, Apply() refuses frames of the producer:
  ///
  /// - A newer version wrote it, kUnknownVersion: all of them, with this error, which is not final.
  /// - It is damaged, kRecordDamaged: frames up to its time of last frame, because they may have been applied. From the
  ///   first later frame on the producer is known again, and frames with lower numbers count as applied.
  ///
  /// A damaged record is counted unless it is empty. The host replaces it by an empty one, so that it is counted once.
  Error Restore(const Producers::Stored& stored);

  enum class Applied : uint32_t { kApplied = 0, kDuplicate = 1 };
  /// Adds a frame to the totals, unless it was added before. On an error (kCorrupt, kUnknownVersion, kTooLarge,
  /// kTooOld, kRecordDamaged) it changes no totals and counts the frame. kUnknownVersion is not final: a newer build
  /// can read the frame, so the caller keeps it and delivers it again.
  Result<Applied> Apply(std::string_view frame, double now_unix_ms);

  /// Removes producers in memory that were idle for the retention, and expired gauges. Totals stay. Has producers
  /// archived that are idle. Sets `removed` to whether a snapshot changes.
  Error Prune(double now_unix_ms, bool* removed = nullptr);
  /// Removes a record whose retention is over, and its producer if that is archived. Returns whether it is over. Does
  /// not read the record. The host calls this with records ascending by time until it returns false, with as many at
  /// once as it likes. It takes the changes before it passes the same records again.
  Result<bool> Expire(const Producers::Stored& stored, double now_unix_ms);
  /// Returns when Prune() or Expire() will next have something to do, or UINT64_MAX. `oldest_unix_ms` is the earliest
  /// time of all records, or UINT64_MAX.
  [[nodiscard]] uint64_t NextPruneUnixMs(uint64_t oldest_unix_ms = UINT64_MAX) const;

  /// Removes the series whose last value arrived longer ago than the series expiry. `others` are the totals of the
  /// other shards, or null if there are none: a series that another shard has received since stays, because removing a
  /// part of its sum would look like a reset. Families without series stay if their flag in `kept_families` is set.
  /// Returns the number of removed series.
  Result<uint32_t> ExpireSeries(double now_unix_ms, const Store* others,
                                const std::vector<uint8_t>& kept_families = {});
  /// Returns when ExpireSeries() will next have something to remove, as far as is known, or UINT64_MAX.
  [[nodiscard]] uint64_t NextSeriesExpiryUnixMs() const;

  /// Removes all series of the families whose flags are set. Values that arrive later start new series. Families
  /// without series stay if their flag in `kept_families` is set. Returns the number of removed series.
  Result<uint32_t> Drop(const std::vector<uint8_t>& family_flags, double now_unix_ms,
                        const std::vector<uint8_t>& kept_families = {});

  /// Adds to one of the kOtlp* counters, which count what the host does. Returns kOutOfRange for any other counter.
  Error CountHost(uint32_t counter, double amount);
  /// Counts definitions whose exposed names another definition has.
  void CountConflicts(uint64_t conflicts);

  /// Returns the family that last reached a limit of the store, or Store::kNone. Forgets it.
  [[nodiscard]] uint32_t TakeOverflowedFamily() { return std::exchange(overflowed_family_, Store::kNone); }

  /// Writes a snapshot of the totals under the next version.
  Error WriteSnapshot(double now_unix_ms, ByteWriter& writer);

  /// Replaces the content of `writer` by what changed since the last call, ascending by key: a list of {uint32_t key,
  /// uint32_t size, bytes}: chunks, the records to be removed, and each record to be stored.
  Error TakeChanges(ByteWriter& writer);
  [[nodiscard]] bool changed() const;

  [[nodiscard]] const AggregatorCounters& counters() const { return counters_; }
  [[nodiscard]] const Store& store() const { return store_; }
  /// Returns the number of producers that are remembered, archived ones included.
  [[nodiscard]] uint64_t producers() const { return producers_.remembered(); }
  [[nodiscard]] uint64_t archived_producers() const { return producers_.archived(); }
  [[nodiscard]] const std::vector<Producer>& resident_producers() const { return producers_.places(); }

 private:
  enum class ChunkType : uint32_t { kHead = 0, kFamilies = 1, kSeries = 2, kProducers = 3 };

  void TouchFamilies(uint64_t unix_ms);
  void TouchSeries(uint32_t series, uint64_t now_unix_ms);
  void Keep(const std::vector<uint8_t>& series_flags, const std::vector<uint8_t>& kept_families, uint64_t now_unix_ms);
  [[nodiscard]] size_t Items(ChunkType type) const;
  void MarkChanged(ChunkType type, size_t item);
  Error Count(AggregatorCounter counter, Error error);

  void LoadHead(ByteReader& reader, uint8_t version);
  void LoadFamilies(ByteReader& reader, uint8_t version);
  void LoadSeries(ByteReader& reader, uint8_t version);
  void WriteChunk(ChunkType type, uint32_t number, ByteWriter& writer) const;

  AggregatorOptions options_;
  Error state_ = Error::kOk;
  Store store_;
  Producers producers_;
  uint64_t snapshot_version_ = 0;
  // When series were last removed. A series that comes back starts at this time at the earliest.
  uint64_t removed_unix_ms_ = 0;
  uint32_t overflowed_family_ = Store::kNone;
  AggregatorCounters counters_;
  Changes changes_;
  // A flag for each chunk, by type. Those of producers are in `producers_`.
  std::vector<uint8_t> changed_[3];
  // While loading: how many items of each type the head chunk announced.
  uint32_t expected_[4] = {};
  uint64_t expected_archived_ = 0;
};

}  // namespace isotel::metrics

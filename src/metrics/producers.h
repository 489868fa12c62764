// The producers of an aggregator: which frames of each were applied, and its gauges.
//
// A producer is resident or archived. A resident one is in memory, at a place whose number does not change. An archived
// one is a record that the host stores under the producer's identifier. So memory is bounded by the producers that send
// now, and the number of producers that are remembered is not. The record of a producer that becomes resident again
// stays and does not count: to remove it, and to store it again later, would change two more pages of the database.
//
// Only Settle() archives. Between two calls of it, a producer that was restored or applied stays resident.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/hash_index.h"
#include "base/limits.h"
#include "metrics/dedup_window.h"
#include "metrics/frame.h"

namespace isotel::metrics {

struct ProducerOptions {
  /// How long a producer is remembered after its last frame.
  uint64_t retention_ms = 0;
  /// How long a gauge counts after its producer wrote it.
  uint64_t gauge_expiry_ms = 0;
  /// A producer without gauges is archived when it was idle for longer.
  uint64_t archive_after_ms = 0;
  uint32_t max_resident = kMaxResidentProducers;
  uint32_t max_gauges = kMaxResidentGauges;
};

struct Gauge {
  uint32_t series = 0;
  uint64_t sequence = 0;
  uint64_t unix_ms = 0;
  double value = 0;
};

struct Producer {
  ProducerId id{};
  bool live = false;      ///< false for a free place
  bool recorded = false;  ///< whether there is a record of it, with what was known of it earlier
  uint64_t last_seen_unix_ms = 0;
  DedupWindow window;
  std::vector<Gauge> gauges;  // ascending by series
};

class Producers {
 public:
  static constexpr uint32_t kNone = HashIndex::kNone;
  static constexpr uint32_t kPlacesPerChunk = 64;
  /// Producers that one call of Settle() archives at most, besides as many as became resident since the call before. A
  /// row costs some 50 us of CPU time in the end.
  static constexpr uint32_t kArchiveStep = 128;

  explicit Producers(const ProducerOptions& options) : options_(options) {}

  [[nodiscard]] const std::vector<Producer>& places() const { return places_; }
  [[nodiscard]] uint64_t remembered() const { return resident_ + archived_; }
  [[nodiscard]] uint64_t archived() const { return archived_; }

  /// Returns the place of a resident producer, or kNone.
  [[nodiscard]] uint32_t Find(const ProducerId& id) const;
  /// Returns a place for a producer that Find() does not find.
  uint32_t Add(const ProducerId& id);
  /// Returns the producer and notes that it changes.
  Producer& Change(uint32_t place);

  /// Returns whether the retention of a producer is over.
  [[nodiscard]] bool IsExpired(const Producer& producer, uint64_t now_unix_ms) const {
    return producer.last_seen_unix_ms + options_.retention_ms < now_unix_ms;
  }
  /// Forgets what is known of a resident producer, and keeps its place for the same identifier.
  void Renew(uint32_t place);

  /// Sets a gauge. An older frame does not replace the value of a later one. Returns false past kMaxGaugesPerProducer.
  bool SetGauge(uint32_t place, const Gauge& gauge);
  /// Drops the gauges of a producer that have expired. Returns whether there were any.
  bool DropExpiredGauges(uint32_t place, uint64_t now_unix_ms);

  /// Notes the new numbers of all series. A gauge whose series has none, kNone, is dropped.
  void RenumberSeries(const std::vector<uint32_t>& numbers);

  struct Pruned {
    uint64_t producers = 0;
    bool gauges = false;
  };
  /// Forgets the resident producers whose retention is over and drops expired gauges. One that has a record counts as
  /// archived from then on: Expire() forgets it. The next Settle() archives idle producers.
  Pruned Prune(uint64_t now_unix_ms);
  /// Returns when Prune() or Settle() will next have something to do, or UINT64_MAX.
  [[nodiscard]] uint64_t NextPruneUnixMs() const;
  /// Returns when the retention of an archived producer is over.
  [[nodiscard]] uint64_t ExpiryOf(uint64_t last_seen_unix_ms) const {
    return last_seen_unix_ms + options_.retention_ms + 1;
  }

  /// Appends those of a list of identifiers that may be archived: all that are not resident, or none if no producer is
  /// archived.
  void AppendMissing(std::string_view ids, ByteWriter& writer) const;
  /// What the host has stored of a producer.
  struct Stored {
    ProducerId id{};
    uint64_t last_seen_unix_ms = 0;
    std::string_view record;
  };
  /// Makes an archived producer resident. Does nothing if it is. If the record cannot be read, the producer is set
  /// aside, and the error says why: kRecordDamaged or kUnknownVersion. Returns kCorrupt if no producer is archived.
  Error Restore(const Stored& stored);
  /// An archived producer whose record cannot be read.
  struct SetAside {
    ProducerId id{};
    uint64_t last_seen_unix_ms = 0;
    Error error = Error::kOk;
  };
  /// Returns a producer that Restore() has set aside since the last ClearChanges(), or null.
  [[nodiscard]] const SetAside* FindSetAside(const ProducerId& id) const;
  /// Makes a producer resident that was set aside, as if all frames before `sequence` had been applied.
  uint32_t AddAnew(const ProducerId& id, uint64_t sequence);
  enum class Expired { kNo, kRecord, kProducer };
  /// Removes a record if its retention is over, and forgets its producer if that is archived. Does not read the record.
  /// It must be removed before it is passed again. Returns kCorrupt if no producer is archived.
  Result<Expired> Expire(const Stored& stored, uint64_t now_unix_ms);

  /// Archives producers: those that Prune() found idle, and the longest idle ones of too many. If there are too many
  /// gauges, producers with gauges too. Returns the number of gauges that were dropped with their producers.
  uint64_t Settle();

  /// Whether a chunk of places, or the archive, changed since the last ClearChanges().
  [[nodiscard]] bool changed() const { return !changed_.empty() || archive_changed(); }
  [[nodiscard]] bool archive_changed() const { return records_.size() + removed_.size() > 0; }
  /// Flags of chunks by number. A chunk past chunks() has no places any more.
  [[nodiscard]] const std::vector<uint8_t>& changed_chunks() const { return changed_; }
  [[nodiscard]] size_t chunks() const { return (places_.size() + kPlacesPerChunk - 1) / kPlacesPerChunk; }
  /// The identifiers of producers whose records are to be removed, before others are stored.
  [[nodiscard]] std::string_view removed() const { return removed_.view(); }
  /// Records to store: a list of {uint32_t size, bytes}.
  [[nodiscard]] std::string_view records() const { return records_.view(); }
  void ClearChanges();

  void WriteChunk(size_t number, ByteWriter& writer) const;

  /// Reads the next chunk, up to `places` in all. `is_gauge(series)` returns whether there is a gauge of this number.
  template <typename IsGaugeSeries>
  void ReadChunk(ByteReader& reader, size_t places, IsGaugeSeries&& is_gauge);
  /// Ends reading.
  void FinishRead(uint64_t archived);

 private:
  // What a place begins with in a chunk.
  static constexpr uint8_t kFree = 0;
  static constexpr uint8_t kLive = 1;
  static constexpr uint8_t kRecorded = 2;

  void Index();
  void Free(uint32_t place);
  void DropFreePlacesAtEnd();
  void MarkChanged(size_t place);
  void Archive(uint32_t place);
  uint32_t AddArchived(Producer&& producer);

  ProducerOptions options_;
  std::vector<Producer> places_;
  HashIndex index_;
  uint32_t resident_ = 0;
  // No place before this one is free.
  uint32_t first_free_ = 0;
  uint64_t gauges_ = 0;
  uint64_t archived_ = 0;
  // Since the last Settle().
  uint32_t added_ = 0;
  uint64_t archive_before_unix_ms_ = 0;
  // Since the last ClearChanges().
  std::vector<SetAside> set_aside_;
  std::vector<uint8_t> changed_;
  ByteWriter records_;
  ByteWriter removed_;
};

template <typename IsGaugeSeries>
void Producers::ReadChunk(ByteReader& reader, size_t places, IsGaugeSeries&& is_gauge) {
  for (uint32_t i = 0; i < kPlacesPerChunk && places_.size() < places; ++i) {
    Producer& producer = places_.emplace_back();
    const uint8_t state = reader.Byte();
    producer.live = state == kLive || state == kRecorded;
    producer.recorded = state == kRecorded;
    if (!producer.live) continue;
    const std::string_view id = reader.Raw(producer.id.size());
    if (!id.empty()) std::memcpy(producer.id.data(), id.data(), id.size());
    producer.last_seen_unix_ms = reader.Fixed64();
    producer.window.Read(reader);
    producer.gauges.resize(reader.Bounded(kMaxGaugesPerProducer));
    uint64_t next = 0;
    for (Gauge& gauge : producer.gauges) {
      const uint64_t series = reader.Varint();
      if (series < next || !is_gauge(series)) return reader.Fail();
      next = series + 1;
      gauge.series = static_cast<uint32_t>(series);
      gauge.sequence = reader.Varint();
      gauge.unix_ms = reader.Fixed64();
      gauge.value = reader.Double();
    }
  }
}

}  // namespace isotel::metrics

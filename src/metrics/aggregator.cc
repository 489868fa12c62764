#include "metrics/aggregator.h"

#include <algorithm>
#include <cstring>

#include "base/limits.h"
#include "base/number_text.h"
#include "metrics/labels.h"
#include "metrics/message.h"

namespace isotel::metrics {
namespace {

constexpr unsigned kTypeShift = 24;

// Items of a chunk, by type. A chunk of the largest families, series or producers stays below 2 MB, the limit of a row
// in the store.
constexpr uint32_t kItemsPerChunk[4] = {1, 16, 32, Producers::kPlacesPerChunk};
// Far more than the frames of one call can make resident.
constexpr uint32_t kMaxPlaces = uint32_t{1} << 24;
// A family that is written all the time changes its chunk only this often.
constexpr uint64_t kWrittenPrecisionMs = 60'000;
// A gauge series that is written all the time changes its chunk only this often.
constexpr uint64_t kGaugeWrittenPrecisionMs = 600'000;
// The age of a family that was stored without times: older than all whose age is known.
constexpr uint64_t kOldestUnixMs = 1;
constexpr size_t kMaxChunkBytes = 2'000'000;
constexpr size_t kMaxFamilyBytes = kMaxMetricNameBytes + kMaxUnitBytes + kMaxHelpBytes +
                                   kMaxLabels * (kMaxMetricNameBytes + 2) + size_t{kMaxBounds} * 8 + 48;
constexpr size_t kMaxSeriesBytes =
    kMaxLabelBytes + (kMaxBounds + 1) * size_t{40 + 12} + 2 * size_t{kMaxExponentialBuckets} * 12 + 256;
constexpr size_t kMaxProducerBytes = 64 + size_t{kMaxSequenceRuns} * 20 + size_t{kMaxGaugesPerProducer} * 31;
static_assert(kMaxFamilyBytes * kItemsPerChunk[1] < kMaxChunkBytes);
static_assert(kMaxSeriesBytes * kItemsPerChunk[2] < kMaxChunkBytes);
static_assert(kMaxProducerBytes * kItemsPerChunk[3] < kMaxChunkBytes);

// The size is known when the item ends.
size_t BeginItem(uint32_t key, ByteWriter& writer) {
  writer.Fixed32(key);
  writer.Fixed32(0);
  return writer.size();
}
void EndItem(size_t start, ByteWriter& writer) {
  writer.PatchFixed32(start - sizeof(uint32_t), static_cast<uint32_t>(writer.size() - start));
}

}  // namespace

Aggregator::Aggregator(const AggregatorOptions& options)
    : options_(options),
      producers_({.retention_ms = options.producer_retention_ms,
                  .gauge_expiry_ms = options.gauge_expiry_ms,
                  .archive_after_ms = options.archive_after_ms,
                  .max_resident = options.max_resident_producers,
                  .max_gauges = options.max_resident_gauges}) {
  store_.SetLimits(options.limits);
}

Error Aggregator::Count(AggregatorCounter counter, Error error) {
  ++counters_[counter];
  MarkChanged(ChunkType::kHead, 0);
  return error;
}

void Aggregator::MarkChanged(ChunkType type, size_t item) {
  std::vector<uint8_t>& flags = changed_[static_cast<size_t>(type)];
  const size_t chunk = item / kItemsPerChunk[static_cast<size_t>(type)];
  if (chunk >= flags.size()) flags.resize(chunk + 1);
  flags[chunk] = 1;
}

Error Aggregator::AppendMissing(std::string_view ids, ByteWriter& writer) const {
  if (state_ != Error::kOk) return state_;
  producers_.AppendMissing(ids, writer);
  return Error::kOk;
}

Error Aggregator::Restore(const Producers::Stored& stored) {
  if (state_ != Error::kOk) return state_;
  const Error error = producers_.Restore(stored);
  if (error == Error::kCorrupt) return state_ = error;
  if (error != Error::kRecordDamaged || stored.record.empty()) return error;
  return Count(AggregatorCounter::kRecordsDamaged, error);
}

Result<Aggregator::Applied> Aggregator::Apply(std::string_view frame, double now_unix_ms) {
  if (state_ != Error::kOk) return state_;
  Result<OpenFrame> opened = ReadFrame(frame);
  if (!opened.ok()) {
    const bool is_newer = opened.error() == Error::kUnknownVersion;
    return Count(is_newer ? AggregatorCounter::kFramesNewer : AggregatorCounter::kFramesRejected, opened.error());
  }
  const FrameHeader& header = opened.value().header;

  const uint64_t now = ToUnixMs(now_unix_ms);
  uint32_t place = producers_.Find(header.producer);
  // Prune() may not have come to it yet, and it does not matter whether the producer is resident.
  const bool is_known = place != Producers::kNone && !producers_.IsExpired(producers_.places()[place], now);
  if (is_known && producers_.places()[place].window.Contains(header.sequence)) {
    (void)Count(AggregatorCounter::kFramesDuplicate, Error::kOk);
    return Applied::kDuplicate;
  }
  const Producers::SetAside* const set_aside =
      place == Producers::kNone ? producers_.FindSetAside(header.producer) : nullptr;
  if (set_aside != nullptr) {
    if (set_aside->error == Error::kUnknownVersion) return Count(AggregatorCounter::kFramesNewer, set_aside->error);
    // Every frame that was applied is at least as old as the producer's last one.
    if (header.unix_ms <= set_aside->last_seen_unix_ms) {
      return Count(AggregatorCounter::kFramesRejected, set_aside->error);
    }
  }
  if (const Error error = store_.CheckBody(opened.value().body); error != Error::kOk) {
    return Count(AggregatorCounter::kFramesRejected, error);
  }
  if (!is_known && header.unix_ms + options_.producer_retention_ms < now) {
    return Count(AggregatorCounter::kFramesTooOld, Error::kTooOld);
  }
  if (set_aside != nullptr) {
    place = producers_.AddAnew(header.producer, header.sequence);
  } else if (place == Producers::kNone) {
    place = producers_.Add(header.producer);
  } else if (!is_known) {
    producers_.Renew(place);
    (void)Count(AggregatorCounter::kProducersPruned, Error::kOk);
  }

  const size_t families = store_.families().size();
  const size_t series = store_.series().size();
  changes_ = {};
  // A frame may be on its way while its series are removed. Prometheus would take a series that was created before its
  // last sample for the rest of the removed one.
  changes_.not_before_unix_ms = std::min(removed_unix_ms_, now);
  if (const Error error = store_.MergeBody(opened.value().body, &changes_); error != Error::kOk) {
    // CheckBody() rules this out. If it happens anyway, the state in memory must not be stored.
    state_ = error;
    return error;
  }
  for (size_t i = families; i < store_.families().size(); ++i) MarkChanged(ChunkType::kFamilies, i);
  TouchFamilies(std::min(header.unix_ms, now));
  for (size_t i = series; i < store_.series().size(); ++i) TouchSeries(static_cast<uint32_t>(i), now);
  for (const uint32_t touched : changes_.series) TouchSeries(touched, now);
  if (changes_.series_overflowed > 0) overflowed_family_ = changes_.overflowed_family;

  Producer& producer = producers_.Change(place);
  counters_[AggregatorCounter::kSequencesGivenUp] += producer.window.Insert(header.sequence);
  producer.last_seen_unix_ms = std::max({producer.last_seen_unix_ms, header.unix_ms, now});
  if (!changes_.gauges.empty()) (void)producers_.DropExpiredGauges(place, now);
  for (const GaugeUpdate& update : changes_.gauges) {
    const bool fits = producers_.SetGauge(place, {update.series, header.sequence, update.unix_ms, update.value});
    if (!fits) ++counters_[AggregatorCounter::kGaugesDropped];
    TouchSeries(update.series, now);
  }
  counters_[AggregatorCounter::kSeriesOverflowed] += changes_.series_overflowed;
  counters_[AggregatorCounter::kSeriesDropped] += changes_.series_dropped;
  (void)Count(AggregatorCounter::kFramesApplied, Error::kOk);
  return Applied::kApplied;
}

void Aggregator::TouchFamilies(uint64_t unix_ms) {
  for (const uint32_t number : changes_.families) {
    const Family& family = *store_.families()[number];
    const bool is_later = unix_ms >= family.written_unix_ms + kWrittenPrecisionMs;
    const bool is_earlier = unix_ms < family.since_unix_ms;
    if (family.written_unix_ms != 0 && !is_later && !is_earlier) continue;
    store_.AddTimes(number, unix_ms, unix_ms);
    MarkChanged(ChunkType::kFamilies, number);
  }
}

void Aggregator::TouchSeries(uint32_t series, uint64_t now_unix_ms) {
  const uint64_t written = store_.series()[series].written_unix_ms;
  const bool is_gauge = IsGauge(store_.DeclarationOf(store_.series()[series]).kind);
  if (is_gauge && written != 0 && now_unix_ms < written + kGaugeWrittenPrecisionMs) return;
  store_.AddWritten(series, now_unix_ms);
  MarkChanged(ChunkType::kSeries, series);
}

Error Aggregator::Prune(double now_unix_ms, bool* removed) {
  if (state_ != Error::kOk) return state_;
  const Producers::Pruned pruned = producers_.Prune(ToUnixMs(now_unix_ms));
  if (removed != nullptr) *removed = pruned.producers > 0 || pruned.gauges;
  if (pruned.producers > 0) {
    counters_[AggregatorCounter::kProducersPruned] += pruned.producers;
    MarkChanged(ChunkType::kHead, 0);
  }
  return Error::kOk;
}

Result<bool> Aggregator::Expire(const Producers::Stored& stored, double now_unix_ms) {
  if (state_ != Error::kOk) return state_;
  const Result<Producers::Expired> expired = producers_.Expire(stored, ToUnixMs(now_unix_ms));
  if (!expired.ok()) return state_ = expired.error();
  if (expired.value() == Producers::Expired::kProducer) (void)Count(AggregatorCounter::kProducersPruned, Error::kOk);
  return expired.value() != Producers::Expired::kNo;
}

uint64_t Aggregator::NextPruneUnixMs(uint64_t oldest_unix_ms) const {
  const uint64_t next = producers_.NextPruneUnixMs();
  return oldest_unix_ms == UINT64_MAX ? next : std::min(next, producers_.ExpiryOf(oldest_unix_ms));
}

Result<uint32_t> Aggregator::ExpireSeries(double now_unix_ms, const Store* others,
                                          const std::vector<uint8_t>& kept_families) {
  if (state_ != Error::kOk) return state_;
  const uint64_t expiry = options_.series_expiry_ms;
  if (expiry == kNeverMs) return 0;
  const uint64_t now = ToUnixMs(now_unix_ms);
  uint32_t expired = 0;
  std::vector<uint8_t> keep(store_.series().size(), 1);
  for (uint32_t i = 0; i < keep.size(); ++i) {
    const Series& series = store_.series()[i];
    if (series.written_unix_ms == 0) TouchSeries(i, now);  // Version 2 of a chunk does not have it.
    // The time of a gauge is not exact.
    const uint64_t slack = IsGauge(store_.DeclarationOf(series).kind) ? kGaugeWrittenPrecisionMs : 0;
    const auto is_over = [&](uint64_t written_unix_ms) { return written_unix_ms + expiry + slack < now; };
    if (!is_over(series.written_unix_ms)) continue;
    if (others != nullptr) {
      const uint32_t other = others->Find(store_.families()[series.family]->bytes, store_.LabelsOf(series));
      if (other != Store::kNone && !is_over(others->series()[other].written_unix_ms)) continue;
    }
    keep[i] = 0;
    ++expired;
  }
  if (expired == 0) return 0;
  counters_[AggregatorCounter::kSeriesExpired] += expired;
  Keep(keep, kept_families, now);
  return expired;
}

uint64_t Aggregator::NextSeriesExpiryUnixMs() const {
  if (options_.series_expiry_ms == kNeverMs) return UINT64_MAX;
  uint64_t next = UINT64_MAX;
  for (const Series& series : store_.series())
    next = std::min(next, series.written_unix_ms + options_.series_expiry_ms + 1);
  return next;
}

Result<uint32_t> Aggregator::Drop(const std::vector<uint8_t>& family_flags, double now_unix_ms,
                                  const std::vector<uint8_t>& kept_families) {
  if (state_ != Error::kOk) return state_;
  std::vector<uint8_t> keep(store_.series().size(), 1);
  uint32_t dropped = 0;
  for (uint32_t i = 0; i < keep.size(); ++i) {
    if (family_flags[store_.series()[i].family] == 0) continue;
    keep[i] = 0;
    ++dropped;
  }
  if (dropped > 0) Keep(keep, kept_families, ToUnixMs(now_unix_ms));
  return dropped;
}

// The chunks hold items by their numbers, so a removal writes all of them. It is rare.
void Aggregator::Keep(const std::vector<uint8_t>& series_flags, const std::vector<uint8_t>& kept_families,
                      uint64_t now_unix_ms) {
  for (const ChunkType type : {ChunkType::kFamilies, ChunkType::kSeries}) {
    for (size_t i = 0; i < Items(type); ++i) MarkChanged(type, i);
  }
  const std::vector<uint32_t> numbers = store_.Keep(series_flags, kept_families);
  producers_.RenumberSeries(numbers);
  removed_unix_ms_ = std::max(removed_unix_ms_, now_unix_ms);
  overflowed_family_ = Store::kNone;
  MarkChanged(ChunkType::kHead, 0);
}

void Aggregator::CountConflicts(uint64_t conflicts) {
  counters_[AggregatorCounter::kDefinitionConflicts] += conflicts;
  MarkChanged(ChunkType::kHead, 0);
}

Error Aggregator::CountHost(uint32_t counter, double amount) {
  if (state_ != Error::kOk) return state_;
  const bool is_host = counter >= static_cast<uint32_t>(AggregatorCounter::kOtlpPointsAccepted) &&
                       counter <= static_cast<uint32_t>(AggregatorCounter::kOtlpRequestsFailed);
  const bool is_amount = amount >= 0 && amount <= kMaxExactInteger;
  if (!is_host || !is_amount) return Error::kOutOfRange;
  counters_[static_cast<AggregatorCounter>(counter)] += static_cast<uint64_t>(amount);
  MarkChanged(ChunkType::kHead, 0);
  return Error::kOk;
}

Error Aggregator::WriteSnapshot(double now_unix_ms, ByteWriter& writer) {
  if (state_ != Error::kOk) return state_;
  const uint64_t now = ToUnixMs(now_unix_ms);
  for (uint32_t i = 0; i < store_.series().size(); ++i) {
    if (IsGauge(store_.DeclarationOf(store_.series()[i]).kind)) store_.point(i) = Point();
  }
  for (const Producer& producer : producers_.places()) {
    for (const Gauge& gauge : producer.gauges) {
      if (gauge.unix_ms + options_.gauge_expiry_ms < now) continue;
      const Kind kind = store_.DeclarationOf(store_.series()[gauge.series]).kind;
      store_.point(gauge.series).MergeGauge(kind, gauge.unix_ms, gauge.value);
    }
  }
  SnapshotInfo info{++snapshot_version_, now, options_.series_expiry_ms, counters_};
  info.counters[AggregatorCounter::kProducers] = producers_.remembered();
  info.counters[AggregatorCounter::kSeries] = store_.series().size();
  MarkChanged(ChunkType::kHead, 0);
  Snapshot::Write(info, store_, writer);
  return Error::kOk;
}

bool Aggregator::changed() const {
  for (const std::vector<uint8_t>& flags : changed_) {
    if (!flags.empty()) return true;
  }
  return producers_.changed();
}

Error Aggregator::TakeChanges(ByteWriter& writer) {
  if (state_ != Error::kOk) return state_;
  writer.Clear();
  counters_[AggregatorCounter::kGaugesDropped] += producers_.Settle();
  // The number of archived producers.
  if (producers_.changed()) MarkChanged(ChunkType::kHead, 0);
  for (uint32_t type = 0; type < 4; ++type) {
    const std::vector<uint8_t>& changed = type < 3 ? changed_[type] : producers_.changed_chunks();
    for (uint32_t number = 0; number < changed.size(); ++number) {
      if (changed[number] != 0) WriteChunk(static_cast<ChunkType>(type), number, writer);
    }
    if (type < 3) changed_[type].clear();
  }
  if (!producers_.removed().empty()) {
    const size_t start = BeginItem(kRemovedKey, writer);
    writer.Raw(producers_.removed());
    EndItem(start, writer);
  }
  for (ByteReader records(producers_.records()); records.remaining() > 0;) {
    const size_t start = BeginItem(kArchivedKey, writer);
    writer.Raw(records.Raw(records.Fixed32()));
    EndItem(start, writer);
  }
  producers_.ClearChanges();
  return Error::kOk;
}

bool NextChunk(ByteReader& list, Chunk& chunk) {
  chunk.key = list.Fixed32();
  const uint32_t size = list.Fixed32();
  chunk.bytes = list.Raw(size);
  return list.ok();
}

size_t Aggregator::Items(ChunkType type) const {
  switch (type) {
    case ChunkType::kFamilies:
      return store_.families().size();
    case ChunkType::kSeries:
      return store_.series().size();
    case ChunkType::kProducers:
      return producers_.places().size();
    default:
      return 1;
  }
}

void Aggregator::WriteChunk(ChunkType type, uint32_t number, ByteWriter& writer) const {
  const uint32_t key = (static_cast<uint32_t>(type) << kTypeShift) | number;
  const size_t item = BeginItem(key, writer);
  const uint32_t size = kItemsPerChunk[static_cast<size_t>(type)];
  const size_t first = size_t{number} * size;
  if (first >= Items(type)) return;
  const size_t start = BeginMessage(writer, kChunkMagic);
  writer.Fixed32(key);
  const auto end = [&](size_t all) { return std::min(first + size, all); };
  switch (type) {
    case ChunkType::kHead:
      writer.Varint(store_.families().size());
      writer.Varint(store_.series().size());
      writer.Varint(producers_.places().size());
      writer.Varint(producers_.archived());
      writer.Varint(snapshot_version_);
      writer.Fixed64(removed_unix_ms_);
      counters_.Write(writer);
      break;
    case ChunkType::kFamilies:
      for (size_t i = first; i < end(store_.families().size()); ++i) {
        const Family& family = *store_.families()[i];
        writer.Bytes(family.bytes);
        writer.Fixed64(family.since_unix_ms);
        writer.Fixed64(family.written_unix_ms);
      }
      break;
    case ChunkType::kSeries:
      for (size_t i = first; i < end(store_.series().size()); ++i) {
        const Series& series = store_.series()[i];
        const Declaration& declaration = store_.DeclarationOf(series);
        writer.Varint(series.family);
        writer.Bytes(store_.LabelsOf(series));
        writer.Varint(series.written_unix_ms);
        if (!IsGauge(declaration.kind)) WritePoint(series.point, declaration, writer);
      }
      break;
    case ChunkType::kProducers:
      producers_.WriteChunk(number, writer);
      break;
  }
  EndMessage(writer, start);
  EndItem(item, writer);
}

Error Aggregator::Load(uint32_t key, std::string_view bytes) {
  if (state_ != Error::kOk) return state_;
  Result<Message> message = OpenMessage(bytes, kChunkMagic);
  if (!message.ok()) return state_ = message.error();
  ByteReader& reader = message.value().contents;
  if (reader.Fixed32() != key) reader.Fail();
  const uint32_t type = key >> kTypeShift;
  const size_t first = size_t{key & ((1U << kTypeShift) - 1)} * (type < 4 ? kItemsPerChunk[type] : 0);
  // Chunks come complete and in order: each starts where the last one of its type ended.
  const size_t loaded[4] = {expected_[0], store_.families().size(), store_.series().size(), producers_.places().size()};
  if (type >= 4 || first != loaded[type]) {
    reader.Fail();
  } else if (type == 0) {
    LoadHead(reader, message.value().version);
  } else if (type == 1) {
    LoadFamilies(reader, message.value().version);
  } else if (type == 2) {
    LoadSeries(reader, message.value().version);
  } else {
    producers_.ReadChunk(reader, expected_[3], [&](uint64_t series) {
      return series < store_.series().size() &&
             IsGauge(store_.DeclarationOf(store_.series()[static_cast<size_t>(series)]).kind);
    });
  }
  if (!reader.Done()) state_ = Error::kCorrupt;
  return state_;
}

void Aggregator::LoadHead(ByteReader& reader, uint8_t version) {
  expected_[0] = 1;
  // What is stored stays, also past a limit that was higher before.
  store_.SetLimits({});
  expected_[1] = reader.Bounded(kMaxFamilies);
  expected_[2] = reader.Bounded(kMaxSeries + kMaxFamilies);
  expected_[3] = reader.Bounded(kMaxPlaces);
  expected_archived_ = version > 2 ? reader.Varint() : 0;
  snapshot_version_ = reader.Varint();
  if (version > 2) removed_unix_ms_ = reader.Fixed64();
  counters_.Merge(reader);
}

void Aggregator::LoadFamilies(ByteReader& reader, uint8_t version) {
  for (uint32_t i = 0; i < kItemsPerChunk[1] && store_.families().size() < expected_[1]; ++i) {
    const size_t before = store_.families().size();
    const std::string_view bytes = reader.Bytes();
    if (!store_.AddFamily(bytes).ok() || store_.families().size() == before) return reader.Fail();
    // Version 1 has no times. Such a family is older than all whose age is known.
    const uint64_t since_unix_ms = version > 1 ? reader.Fixed64() : kOldestUnixMs;
    const uint64_t written_unix_ms = version > 1 ? reader.Fixed64() : kOldestUnixMs;
    store_.AddTimes(static_cast<uint32_t>(before), since_unix_ms, written_unix_ms);
  }
}

void Aggregator::LoadSeries(ByteReader& reader, uint8_t version) {
  PointReader points;
  for (uint32_t i = 0; i < kItemsPerChunk[2] && store_.series().size() < expected_[2]; ++i) {
    const uint64_t family = reader.Varint();
    const std::string_view labels = reader.Bytes();
    const uint64_t written_unix_ms = version > 2 ? reader.Varint() : 0;
    if (!reader.ok() || family >= store_.families().size()) return reader.Fail();
    const size_t before = store_.series().size();
    const Result<uint32_t> added = store_.AddSeries(static_cast<uint32_t>(family), labels);
    if (!added.ok() || store_.series().size() == before) return reader.Fail();
    const Declaration& declaration = store_.families()[static_cast<size_t>(family)]->declaration;
    store_.AddWritten(added.value(), written_unix_ms);
    if (!IsGauge(declaration.kind)) points.Read(reader, declaration, &store_.point(added.value()));
  }
}

Error Aggregator::FinishLoad() {
  if (state_ != Error::kOk) return state_;
  const bool complete = store_.families().size() == expected_[1] && store_.series().size() == expected_[2] &&
                        producers_.places().size() == expected_[3];
  if (!complete) state_ = Error::kCorrupt;
  store_.SetLimits(options_.limits);
  producers_.FinishRead(expected_archived_);
  return state_;
}

}  // namespace isotel::metrics

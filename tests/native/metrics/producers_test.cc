// Producers that are in memory and producers that are archived.
//
// ISOTEL_PROPERTY_EFFORT multiplies the random schedules.
#include "metrics/producers.h"

#include <doctest/doctest.h>

#include <memory>
#include <set>

#include "base/limits.h"
#include "metrics/message.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

// A producer with a counter `c` and gauges `g`.
struct Isolate {
  explicit Isolate(uint64_t number) : registry(MakeProducer(number)) {
    counter = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {});
    gauges = Must(registry.Declare(MakeDeclaration(Kind::kGaugeSum, "g", {"x"}), 0));
  }
  std::string Count(double by, double now) {
    REQUIRE(registry.Record(counter, by) == Error::kOk);
    return TakeFrames(registry, now).front();
  }
  std::string Set(uint32_t count, double now) {
    for (uint32_t i = 0; i < count; ++i) {
      REQUIRE(registry.Record(Bind(registry, gauges, {std::to_string(i)}), 1) == Error::kOk);
    }
    return TakeFrames(registry, now).front();
  }
  Registry registry;
  uint32_t counter;
  uint32_t gauges;
};

constexpr AggregatorOptions kOptions{
    .producer_retention_ms = 10'000, .gauge_expiry_ms = 1'000, .archive_after_ms = 2'000};

uint64_t ResidentOf(const Aggregator& aggregator) { return aggregator.producers() - aggregator.archived_producers(); }

double CounterOf(const Aggregator& aggregator) {
  const Point* point = FindPoint(aggregator.store(), "c");
  return point == nullptr ? 0 : point->sum.ToDouble();
}

uint64_t GaugesIn(Aggregator& aggregator, double now) {
  Snapshot snapshot;
  REQUIRE(snapshot.Merge(SnapshotBytes(aggregator, now)) == Error::kOk);
  double sum = 0;
  for (const Series& series : snapshot.store().series()) {
    if (snapshot.store().DeclarationOf(series).name == "g") sum += series.point.sum.ToDouble();
  }
  return static_cast<uint64_t>(sum);
}

TEST_CASE("A producer that was idle is archived, and its frames are still recognised") {
  ChunkStore store;
  Aggregator aggregator(kOptions);
  Isolate idle(1);
  Isolate busy(2);
  const std::string first = idle.Count(1, 1'000);
  const std::string second = idle.Count(2, 1'000);
  CHECK(aggregator.Apply(first, 1'000).ok());
  CHECK(aggregator.Apply(busy.Count(10, 2'500), 2'500).ok());
  store.Commit(aggregator);
  CHECK(aggregator.NextPruneUnixMs() == 3'001);
  store.Prune(aggregator, 3'000);
  store.Commit(aggregator);
  CHECK(store.records.empty());
  bool removed = true;
  CHECK(aggregator.Prune(3'001, &removed) == Error::kOk);
  CHECK_FALSE(removed);
  store.Commit(aggregator);
  CHECK(store.records.size() == 1);
  CHECK(ResidentOf(aggregator) == 1);
  CHECK(aggregator.producers() == 2);
  CHECK(aggregator.NextPruneUnixMs(store.OldestUnixMs()) == 4'501);

  for (int life = 0; life < 2; ++life) {
    Aggregator later(kOptions);
    REQUIRE(store.Load(later) == Error::kOk);
    CHECK(later.producers() == 2);
    CHECK(store.Apply(later, first, 3'100).value() == Aggregator::Applied::kDuplicate);
    CHECK(ResidentOf(later) == 2);
    // In the second life the producer was resident when the first one ended.
    CHECK(store.Apply(later, second, 3'100).value() ==
          (life == 0 ? Aggregator::Applied::kApplied : Aggregator::Applied::kDuplicate));
    CHECK(CounterOf(later) == 13);
    store.Commit(later);
    CHECK(later.archived_producers() == 0);
  }
  // The record does not matter any more. It is removed when its own retention is over.
  CHECK(store.records.size() == 1);
  Aggregator later(kOptions);
  REQUIRE(store.Load(later) == Error::kOk);
  CHECK(later.NextPruneUnixMs(store.OldestUnixMs()) == 4'501);
  CHECK(store.Apply(later, busy.Count(100, 9'000), 9'000).ok());
  CHECK(store.Apply(later, idle.Count(1'000, 9'000), 9'000).ok());
  store.Commit(later);
  store.Prune(later, 11'001);
  CHECK(later.counters()[AggregatorCounter::kProducersPruned] == 0);
  CHECK(later.producers() == 2);
  store.Commit(later);
  for (const auto& [id, record] : store.records) CHECK(ChunkStore::SeenAt(record) == 9'000);
  CHECK(store.Apply(later, first, 11'001).value() == Aggregator::Applied::kDuplicate);
  CHECK(CounterOf(later) == 1'113);
}

TEST_CASE("The retention of an archived producer ends at the same time as that of a resident one") {
  for (const bool is_archived : {false, true}) {
    CAPTURE(is_archived);
    AggregatorOptions options = kOptions;
    if (is_archived) options.max_resident_producers = 0;
    ChunkStore store;
    Aggregator aggregator(options);
    Isolate isolate(1);
    const std::string old = isolate.Count(1, 500);
    const std::string late = isolate.Count(2, 500);
    CHECK(aggregator.Apply(old, 1'000).ok());
    store.Commit(aggregator);
    CHECK(store.records.size() == (is_archived ? 1 : 0));
    // A frame that is older than the retention is added as long as its producer is known.
    CHECK(store.Apply(aggregator, late, 11'000).value() == Aggregator::Applied::kApplied);
    store.Commit(aggregator);
    CHECK(store.Apply(aggregator, old, 21'000).value() == Aggregator::Applied::kDuplicate);
    store.Commit(aggregator);
    CHECK(store.Apply(aggregator, old, 21'001).error() == Error::kTooOld);
    store.Commit(aggregator);
    // Whether the producer was removed yet does not matter: a new frame is of a new producer.
    const std::string fresh = isolate.Count(4, 21'001);
    CHECK(store.Apply(aggregator, fresh, 21'001).value() == Aggregator::Applied::kApplied);
    store.Commit(aggregator);
    CHECK(aggregator.counters()[AggregatorCounter::kProducersPruned] == 1);
    CHECK(aggregator.producers() == 1);
    CHECK(CounterOf(aggregator) == 7);
    store.Prune(aggregator, 31'001);
    store.Commit(aggregator);
    CHECK(aggregator.producers() == 1);
    store.Prune(aggregator, 31'002);
    store.Commit(aggregator);
    CHECK(aggregator.producers() == 0);
    CHECK(store.records.empty());
    CHECK(aggregator.counters()[AggregatorCounter::kProducersPruned] == 2);
    CHECK(aggregator.NextPruneUnixMs(store.OldestUnixMs()) == UINT64_MAX);
  }
}

TEST_CASE("Of too many producers those are archived that were idle longest, and none is refused") {
  AggregatorOptions options = kOptions;
  options.producer_retention_ms = 1'000'000;
  options.archive_after_ms = 1'000'000;
  options.max_resident_producers = 300;
  ChunkStore store;
  Aggregator aggregator(options);
  std::vector<std::string> frames;
  for (uint64_t number = 0; number < 1'000; ++number) {
    const double now = 1'000 + static_cast<double>(number);
    frames.push_back(Isolate(number).Count(1, now));
    CHECK(aggregator.Apply(frames.back(), now).ok());
    store.Commit(aggregator);
    CHECK(ResidentOf(aggregator) <= 300);
    CHECK(ResidentOf(aggregator) == std::min<uint64_t>(number + 1, 300));
  }
  CHECK(aggregator.producers() == 1'000);
  const uint64_t oldest_resident = 1'000 - ResidentOf(aggregator);
  for (const auto& [id, record] : store.records) CHECK(ChunkStore::SeenAt(record) < 1'000 + oldest_resident);
  CHECK(CounterOf(aggregator) == 1'000);
  // Places are used again: as many chunks as hold the residents.
  size_t chunks = 0;
  for (const auto& [key, bytes] : store.chunks) chunks += key >> 24 == 3 ? 1 : 0;
  CHECK(chunks <= 300 / Producers::kPlacesPerChunk + 1);

  Aggregator later(options);
  REQUIRE(store.Load(later) == Error::kOk);
  // All at once: more are resident than allowed until the changes are taken.
  store.Restore(later, frames);
  CHECK(ResidentOf(later) == 1'000);
  for (const std::string& frame : frames) CHECK(later.Apply(frame, 3'000).value() == Aggregator::Applied::kDuplicate);
  store.Commit(later);
  CHECK(ResidentOf(later) == 300);
  CHECK(later.producers() == 1'000);
}

TEST_CASE("A producer that has gauges is archived only if there are too many, and its gauges are counted as dropped") {
  AggregatorOptions options = kOptions;
  options.producer_retention_ms = 1'000'000;
  options.gauge_expiry_ms = 5'000;
  SUBCASE("Idle, but with a gauge that counts") {
    ChunkStore store;
    Aggregator aggregator(options);
    CHECK(aggregator.Apply(Isolate(1).Set(1, 1'000), 1'000).ok());
    CHECK(aggregator.NextPruneUnixMs() == 6'001);
    store.Prune(aggregator, 5'999);
    store.Commit(aggregator);
    CHECK(store.records.empty());
    CHECK(GaugesIn(aggregator, 5'999) == 1);
    store.Prune(aggregator, 6'001);
    store.Commit(aggregator);
    CHECK(store.records.size() == 1);
    CHECK(aggregator.counters()[AggregatorCounter::kGaugesDropped] == 0);
  }
  SUBCASE("Too many gauges") {
    options.max_resident_gauges = 160;
    options.archive_after_ms = 1'000'000;
    ChunkStore store;
    Aggregator aggregator(options);
    std::vector<std::unique_ptr<Isolate>> isolates;
    // The first ones have none: archiving them would not help.
    for (uint64_t number = 0; number < 30; ++number) {
      isolates.push_back(std::make_unique<Isolate>(number));
      const double now = 1'000 + static_cast<double>(number);
      Isolate& isolate = *isolates.back();
      CHECK(aggregator.Apply(number < 10 ? isolate.Count(1, now) : isolate.Set(10, now), now).ok());
      store.Commit(aggregator);
      CHECK(GaugesIn(aggregator, now) <= 160);
    }
    const uint64_t dropped = aggregator.counters()[AggregatorCounter::kGaugesDropped];
    CHECK(dropped >= 40);
    CHECK(GaugesIn(aggregator, 1'030) == 200 - dropped);
    CHECK(store.records.size() == dropped / 10);
    CHECK(store.records.count(MakeProducer(0)) == 0);
    CHECK(store.records.count(MakeProducer(10)) == 1);
    // They count again when their producer sends them again.
    const std::string again = isolates[10]->Set(10, 1'100);
    CHECK(store.Apply(aggregator, again, 1'100).value() == Aggregator::Applied::kApplied);
    CHECK(GaugesIn(aggregator, 1'100) == 210 - dropped);
  }
}

TEST_CASE("Totals of an earlier version with far too many producers are archived step by step") {
  constexpr uint32_t kStored = 2'000;
  ChunkStore store;
  {
    Aggregator before(AggregatorOptions{});
    for (uint64_t number = 0; number < kStored; ++number)
      CHECK(before.Apply(Isolate(number).Count(1, 1'000), 1'000).ok());
    store.Commit(before);
  }
  AggregatorOptions options;
  options.max_resident_producers = 500;
  Aggregator aggregator(options);
  REQUIRE(store.Load(aggregator) == Error::kOk);
  Isolate busy(kStored);
  uint64_t resident = ResidentOf(aggregator);
  CHECK(resident == kStored);
  uint32_t calls = 0;
  while (ResidentOf(aggregator) > 500) {
    REQUIRE(calls < 20);
    ++calls;
    CHECK(store.Apply(aggregator, busy.Count(1, 2'000), 2'000).ok());
    store.Commit(aggregator);
    CHECK(ResidentOf(aggregator) < resident);
    CHECK(resident - ResidentOf(aggregator) <= Producers::kArchiveStep + 1);
    resident = ResidentOf(aggregator);
  }
  CHECK(calls > 5);
  CHECK(aggregator.producers() == kStored + 1);
  CHECK(CounterOf(aggregator) == kStored + calls);
}

TEST_CASE("A record that cannot be read holds back the frames of its producer alone, and no frame counts twice") {
  AggregatorOptions options = kOptions;
  options.max_resident_producers = 0;
  ChunkStore store;
  Isolate isolate(1);
  std::vector<std::string> before;
  for (const double now : {1'000.0, 1'100.0}) {
    Aggregator aggregator(options);
    REQUIRE(store.Load(aggregator) == Error::kOk);
    before.push_back(isolate.Count(1, now));
    CHECK(store.Apply(aggregator, before.back(), now).ok());
    store.Commit(aggregator);
  }
  const std::string late = isolate.Count(10, 1'100);
  const std::string skipped = isolate.Count(100, 1'101);
  const std::string after = isolate.Count(1'000, 1'101);
  const std::string last = isolate.Count(10'000, 1'102);
  const Producers::Stored sound = ChunkStore::StoredOf(*store.records.begin());
  const auto restored = [&](Aggregator& aggregator, std::string_view record, Error expected) {
    REQUIRE(store.Load(aggregator) == Error::kOk);
    CHECK(aggregator.Restore({sound.id, sound.last_seen_unix_ms, record}) == expected);
    CHECK(aggregator.Apply(Isolate(2).Count(0, 1'200), 1'200).ok());
  };

  const auto check_damaged = [&](std::string_view record) {
    Aggregator aggregator(options);
    restored(aggregator, record, Error::kRecordDamaged);
    CHECK(aggregator.counters()[AggregatorCounter::kRecordsDamaged] == (record.empty() ? 0 : 1));
    CHECK(aggregator.producers() == 2);
    for (const std::string& frame : {before[0], before[1], late}) {
      CHECK(aggregator.Apply(frame, 1'200).error() == Error::kRecordDamaged);
    }
    CHECK(aggregator.counters()[AggregatorCounter::kFramesRejected] == 3);
    CHECK(aggregator.Apply(after, 1'200).value() == Aggregator::Applied::kApplied);
    for (const std::string& frame : {before[0], before[1], late, skipped, after}) {
      CHECK(aggregator.Apply(frame, 1'200).value() == Aggregator::Applied::kDuplicate);
    }
    CHECK(CounterOf(aggregator) == 1'002);
    CHECK(aggregator.producers() == 2);

    // What is stored then is sound.
    ChunkStore next = store;
    next.Commit(aggregator);
    Aggregator later(options);
    REQUIRE(next.Load(later) == Error::kOk);
    CHECK(next.Apply(later, after, 1'300).value() == Aggregator::Applied::kDuplicate);
    CHECK(next.Apply(later, last, 1'300).value() == Aggregator::Applied::kApplied);
    CHECK(CounterOf(later) == 11'002);
  };
  const std::string record(sound.record);
  for (size_t size = 0; size < record.size(); ++size) check_damaged(std::string_view(record).substr(0, size));
  check_damaged(Sealed(record + "x"));
  check_damaged(store.chunks.at(0));
  std::string other = record;
  ++other[kRecordIdAt];
  check_damaged(Sealed(other));

  std::string newer = record;
  newer[3] = 4;
  Aggregator aggregator(options);
  restored(aggregator, newer, Error::kUnknownVersion);
  for (const std::string& frame : {before[0], late, after}) {
    CHECK(aggregator.Apply(frame, 1'200).error() == Error::kUnknownVersion);
  }
  CHECK(aggregator.counters()[AggregatorCounter::kFramesNewer] == 3);
  CHECK(aggregator.counters()[AggregatorCounter::kRecordsDamaged] == 0);
  // The build that wrote it reads it.
  ByteWriter changes;
  CHECK(aggregator.TakeChanges(changes) == Error::kOk);
  CHECK(aggregator.Restore(sound) == Error::kOk);
  CHECK(aggregator.Apply(before[0], 1'200).value() == Aggregator::Applied::kDuplicate);
  CHECK(aggregator.Apply(late, 1'200).value() == Aggregator::Applied::kApplied);

  // With a right checksum, whatever it says.
  Dice dice(3);
  for (int i = 0; i < 2'000; ++i) {
    std::string hostile = record;
    hostile[4 + dice.Below(hostile.size() - 8)] = static_cast<char>(dice.Next());
    Aggregator any(options);
    REQUIRE(store.Load(any) == Error::kOk);
    (void)any.Restore({sound.id, sound.last_seen_unix_ms, Sealed(hostile)});
    CHECK(any.TakeChanges(changes) == Error::kOk);
  }
}

TEST_CASE("A record is forgotten by the time under which it is stored, even if it cannot be read") {
  AggregatorOptions options = kOptions;
  options.max_resident_producers = 0;
  ChunkStore store;
  Aggregator aggregator(options);
  const std::string frame = Isolate(1).Count(1, 1'000);
  CHECK(aggregator.Apply(frame, 1'000).ok());
  store.Commit(aggregator);
  const Producers::Stored damaged{store.records.begin()->first, 1'000, "damaged"};
  CHECK_FALSE(aggregator.Expire(damaged, 11'000).value());
  CHECK(aggregator.Expire(damaged, 11'001).value());
  CHECK(aggregator.producers() == 0);
  store.Commit(aggregator);
  CHECK(store.records.empty());
  CHECK(aggregator.Apply(frame, 11'001).error() == Error::kTooOld);
}

TEST_CASE("A record of a producer that is not archived stops the aggregator") {
  Aggregator restored(kOptions);
  REQUIRE(restored.FinishLoad() == Error::kOk);
  CHECK(restored.Restore({MakeProducer(1), 1'000, "x"}) == Error::kCorrupt);
  Aggregator expired(kOptions);
  REQUIRE(expired.FinishLoad() == Error::kOk);
  CHECK(expired.Expire({MakeProducer(1), 1'000, "x"}, 1e12).error() == Error::kCorrupt);
  ByteWriter writer;
  for (Aggregator* aggregator : {&restored, &expired}) CHECK(aggregator->TakeChanges(writer) == Error::kCorrupt);
}

// What an aggregator has to do, without memory that is bounded: one set of numbers for each producer.
struct Model {
  struct Known {
    uint64_t last_seen_unix_ms = 0;
    std::set<uint64_t> applied;
  };
  std::map<ProducerId, Known> known;
  double total = 0;
  uint64_t forgotten = 0;

  bool IsExpired(const Known& producer, uint64_t now) const {
    return producer.last_seen_unix_ms + kOptions.producer_retention_ms < now;
  }

  Result<Aggregator::Applied> Apply(std::string_view frame, double value, uint64_t now) {
    const FrameHeader header = ReadFrame(frame).value().header;
    const auto found = known.find(header.producer);
    const bool is_known = found != known.end() && !IsExpired(found->second, now);
    if (is_known && found->second.applied.count(header.sequence) != 0) return Aggregator::Applied::kDuplicate;
    if (!is_known && header.unix_ms + kOptions.producer_retention_ms < now) return Error::kTooOld;
    if (!is_known && found != known.end()) {
      ++forgotten;
      known.erase(found);
    }
    Known& producer = known[header.producer];
    producer.applied.insert(header.sequence);
    producer.last_seen_unix_ms = std::max({producer.last_seen_unix_ms, header.unix_ms, now});
    total += value;
    return Aggregator::Applied::kApplied;
  }

  void Prune(uint64_t now) {
    for (auto producer = known.begin(); producer != known.end();) {
      if (!IsExpired(producer->second, now)) {
        ++producer;
        continue;
      }
      ++forgotten;
      producer = known.erase(producer);
    }
  }
};

TEST_CASE("Over random schedules of frames, prunings and crashes the aggregator does what a simple model does") {
  uint64_t duplicates = 0;
  uint64_t too_old = 0;
  uint64_t archived = 0;
  uint64_t restored = 0;
  uint64_t crashes = 0;
  for (uint64_t seed = 1; seed <= 60 * static_cast<uint64_t>(Effort("ISOTEL_PROPERTY_EFFORT")); ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    AggregatorOptions options = kOptions;
    options.max_resident_producers = static_cast<uint32_t>(dice.Below(3) * dice.Below(15));
    std::vector<std::unique_ptr<Isolate>> isolates;
    for (uint64_t number = 0; number < 30; ++number) isolates.push_back(std::make_unique<Isolate>(number));
    std::vector<std::pair<std::string, double>> frames;
    ChunkStore store;
    auto aggregator = std::make_unique<Aggregator>(options);
    Model model;
    Model stored;
    uint64_t now = 1'000;
    const auto restart = [&](bool is_crash) {
      aggregator = std::make_unique<Aggregator>(options);
      REQUIRE(store.Load(*aggregator) == Error::kOk);
      if (!is_crash) return;
      ++crashes;
      model = stored;
    };
    const auto commit = [&] {
      const uint64_t before = store.records.size();
      store.Commit(*aggregator);
      stored = model;
      archived += store.records.size() > before ? store.records.size() - before : 0;
      REQUIRE(ResidentOf(*aggregator) <= options.max_resident_producers);
      if (dice.Chance(20)) restart(false);
    };
    for (int step = 0; step < 400; ++step) {
      now += dice.Below(dice.Chance(5) ? 12'000 : 300);
      std::vector<size_t> batch;
      for (uint64_t n = dice.Below(6); n > 0; --n) {
        if (frames.empty() || dice.Chance(50)) {
          Isolate& isolate = *isolates[dice.Below(isolates.size())];
          const auto value = static_cast<double>(1 + dice.Below(100));
          // Some clocks are ahead, and some frames come late.
          const double made = static_cast<double>(now) + static_cast<double>(dice.Below(2'000)) - 1'500;
          frames.emplace_back(isolate.Count(value, std::max(1.0, made)), value);
          batch.push_back(frames.size() - 1);
          if (dice.Chance(30)) batch.pop_back();
        } else {
          batch.push_back(dice.Below(frames.size()));
        }
      }
      const uint64_t archived_before = aggregator->archived_producers();
      std::vector<std::string> bytes;
      for (const size_t frame : batch) bytes.push_back(frames[frame].first);
      store.Restore(*aggregator, bytes);
      restored += archived_before - aggregator->archived_producers();
      for (const size_t frame : batch) {
        const auto expected = model.Apply(frames[frame].first, frames[frame].second, now);
        const auto answer = aggregator->Apply(frames[frame].first, static_cast<double>(now));
        REQUIRE(answer.error() == expected.error());
        if (answer.ok()) REQUIRE(answer.value() == expected.value());
        if (!answer.ok()) ++too_old;
        if (answer.ok() && answer.value() == Aggregator::Applied::kDuplicate) ++duplicates;
      }
      if (dice.Chance(10)) (void)SnapshotBytes(*aggregator, static_cast<double>(now));
      if (dice.Chance(20)) {
        restart(true);
      } else if (dice.Chance(80)) {
        commit();
      }
      if (dice.Chance(30)) {
        commit();
        store.Prune(*aggregator, static_cast<double>(now), dice.Below(4));
        if (dice.Chance(20)) {
          restart(true);
        } else {
          commit();
        }
      }
      REQUIRE(CounterOf(*aggregator) == model.total);
      // Those that are over and not removed yet are among them.
      REQUIRE(aggregator->producers() + aggregator->counters()[AggregatorCounter::kProducersPruned] ==
              model.known.size() + model.forgotten);
    }
    store.Commit(*aggregator);
    store.Prune(*aggregator, static_cast<double>(now));
    store.Commit(*aggregator);
    model.Prune(now);
    CHECK(aggregator->producers() == model.known.size());
    CHECK(aggregator->counters()[AggregatorCounter::kProducersPruned] == model.forgotten);
    CHECK(aggregator->counters()[AggregatorCounter::kSequencesGivenUp] == 0);
  }
  // The schedules did exercise what they are about.
  CHECK(duplicates > 1'000);
  CHECK(too_old > 100);
  CHECK(archived > 1'000);
  CHECK(restored > 1'000);
  CHECK(crashes > 500);
  MESSAGE(duplicates << " duplicates, " << too_old << " too old, " << archived << " archived, " << restored
                     << " restored, " << crashes << " crashes");
}

}  // namespace
}  // namespace isotel::metrics

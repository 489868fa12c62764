#include "metrics/aggregator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/limits.h"
#include "metrics/message.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

constexpr AggregatorOptions kOptions{.producer_retention_ms = 10'000, .gauge_expiry_ms = 1'000};

// A producer with a counter `c` and a gauge `g`.
struct Worker {
  explicit Worker(uint64_t number) : registry(MakeProducer(number)) {
    counter = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {});
    gauge = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kGaugeSum, "g"), 0)), {});
  }
  std::string Count(double by, double now = 1'000) {
    REQUIRE(registry.Record(counter, by) == Error::kOk);
    return TakeFrames(registry, now).front();
  }
  std::string Set(double value, double now) {
    REQUIRE(registry.Record(gauge, value) == Error::kOk);
    return TakeFrames(registry, now).front();
  }
  Registry registry;
  uint32_t counter;
  uint32_t gauge;
};

double CounterOf(const Aggregator& aggregator) { return FindPoint(aggregator.store(), "c")->sum.ToDouble(); }

double GaugeAt(Aggregator& aggregator, double now) {
  Snapshot snapshot;
  REQUIRE(snapshot.Merge(SnapshotBytes(aggregator, now)) == Error::kOk);
  const Point* point = FindPoint(snapshot.store(), "g");
  return point == nullptr ? -1 : point->sum.ToDouble();
}

TEST_CASE("A frame is applied once, however often and in whatever order it comes") {
  Worker worker(1);
  std::vector<std::string> frames;
  for (int i = 1; i <= 5; ++i) frames.push_back(worker.Count(i));
  std::reverse(frames.begin(), frames.end());
  Aggregator aggregator(kOptions);
  for (int round = 0; round < 3; ++round) {
    for (const std::string& frame : frames) {
      const Result<Aggregator::Applied> applied = aggregator.Apply(frame, 1'000);
      REQUIRE(applied.ok());
      CHECK(applied.value() == (round == 0 ? Aggregator::Applied::kApplied : Aggregator::Applied::kDuplicate));
    }
  }
  CHECK(CounterOf(aggregator) == 15);
  CHECK(aggregator.counters()[AggregatorCounter::kFramesApplied] == 5);
  CHECK(aggregator.counters()[AggregatorCounter::kFramesDuplicate] == 10);
}

TEST_CASE("The same sequence numbers of different producers are different frames") {
  Worker first(1);
  Worker second(2);
  Aggregator aggregator(kOptions);
  CHECK(aggregator.Apply(first.Count(1), 1'000).ok());
  CHECK(aggregator.Apply(second.Count(2), 1'000).ok());
  CHECK(CounterOf(aggregator) == 3);
  CHECK(aggregator.producers() == 2);
}

TEST_CASE("A frame that cannot be read changes nothing but the count of such frames") {
  Worker worker(1);
  Aggregator aggregator(kOptions);
  CHECK(aggregator.Apply(worker.Count(1), 1'000).ok());
  const std::string before = Body(aggregator.store());
  const std::string good = worker.Count(2);
  uint64_t rejected = 0;
  for (size_t size = 0; size < good.size(); ++size) {
    CHECK(aggregator.Apply(good.substr(0, size), 1'000).error() == Error::kCorrupt);
    ++rejected;
  }
  std::string newer = good;
  newer[3] = 9;
  CHECK(aggregator.Apply(newer, 1'000).error() == Error::kUnknownVersion);
  CHECK(aggregator.Apply(std::string(kMaxFrameBytes + 1, 'x'), 1'000).error() == Error::kTooLarge);
  CHECK(aggregator.counters()[AggregatorCounter::kFramesRejected] == rejected + 1);
  CHECK(aggregator.counters()[AggregatorCounter::kFramesNewer] == 1);
  CHECK(Body(aggregator.store()) == before);
  CHECK(aggregator.Apply(good, 1'000).ok());
  CHECK(CounterOf(aggregator) == 3);
}

TEST_CASE("A frame of any newer version, however large, is refused as newer and has its producer at the same place") {
  Worker worker(0x0102030405060708);
  const std::string good = worker.Count(2);
  for (const char version : {'\x02', '\x7f', '\xff'}) {
    std::string newer = good;
    newer[3] = version;
    CHECK(ProducerOf(newer).value() == MakeProducer(0x0102030405060708));
    newer.resize(2 * kMaxFrameBytes, 'x');
    CHECK(ReadFrame(newer).error() == Error::kUnknownVersion);
    CHECK(ProducerOf(newer).value() == MakeProducer(0x0102030405060708));
    CHECK(ProducerOf(newer.substr(0, 19)).error() == Error::kCorrupt);
  }
  CHECK(ProducerOf(good).value() == MakeProducer(0x0102030405060708));
  CHECK(ProducerOf(good.substr(0, good.size() - 1)).error() == Error::kCorrupt);
}

TEST_CASE("A hostile frame is refused whole or applied whole") {
  Dice dice(11);
  SampleProducer producer(1, dice);
  producer.Work(100);
  const std::string good = TakeFrames(producer.registry).front();
  for (int i = 0; i < 20'000 * Effort("ISOTEL_PROPERTY_EFFORT"); ++i) {
    std::string hostile = good;
    for (uint64_t n = 1 + dice.Below(4); n > 0; --n) {
      hostile[4 + dice.Below(hostile.size() - 8)] = static_cast<char>(dice.Next());
    }
    if (dice.Chance(20)) hostile.resize(8 + dice.Below(hostile.size() - 8));
    Aggregator aggregator(kOptions);
    if (aggregator.Apply(Sealed(hostile), 2'000).ok()) {
      CHECK(aggregator.counters()[AggregatorCounter::kFramesApplied] == 1);
    } else {
      CHECK(aggregator.store().families().empty());
      CHECK(aggregator.store().series().empty());
      CHECK(aggregator.producers() == 0);
    }
  }
}

TEST_CASE("Sequence numbers outside their range are refused") {
  for (const uint64_t sequence : {uint64_t{0}, kMaxSequence + 1, UINT64_MAX}) {
    ByteWriter writer;
    BeginFrame({MakeProducer(1), sequence, 1'000}, writer);
    writer.Byte(0);
    EndMessage(writer, 0);
    Aggregator aggregator(kOptions);
    CHECK(aggregator.Apply(writer.view(), 1'000).error() == Error::kCorrupt);
  }
}

TEST_CASE("A frame from beyond all time is refused") {
  for (const uint64_t unix_ms : {kMaxUnixMs, kMaxUnixMs + 1, UINT64_MAX}) {
    ByteWriter writer;
    BeginFrame({MakeProducer(1), 1, unix_ms}, writer);
    writer.Byte(0);
    EndMessage(writer, 0);
    Aggregator aggregator(kOptions);
    CHECK(aggregator.Apply(writer.view(), 1'000).error() == (unix_ms == kMaxUnixMs ? Error::kOk : Error::kCorrupt));
  }
}

TEST_CASE("Idle producers are forgotten without touching the totals, and their old frames are not taken again") {
  Worker idle(1);
  Worker busy(2);
  Aggregator aggregator(kOptions);
  const std::string old = idle.Count(1, 1'000);
  CHECK(aggregator.Apply(old, 1'000).ok());
  CHECK(aggregator.Apply(busy.Count(2, 9'000), 9'000).ok());
  CHECK(aggregator.NextPruneUnixMs() == 11'001);
  CHECK(aggregator.Prune(11'000) == Error::kOk);
  CHECK(aggregator.producers() == 2);
  CHECK(aggregator.Prune(11'001) == Error::kOk);
  CHECK(aggregator.producers() == 1);
  CHECK(aggregator.NextPruneUnixMs() == 19'001);
  CHECK(aggregator.counters()[AggregatorCounter::kProducersPruned] == 1);
  CHECK(CounterOf(aggregator) == 3);
  CHECK(aggregator.Apply(old, 11'001).error() == Error::kTooOld);
  CHECK(CounterOf(aggregator) == 3);
  CHECK(aggregator.counters()[AggregatorCounter::kFramesTooOld] == 1);
  // Its next frame is welcome.
  CHECK(aggregator.Apply(idle.Count(4, 11'001), 11'001).ok());
  CHECK(CounterOf(aggregator) == 7);
  CHECK(aggregator.producers() == 2);
}

TEST_CASE("A frame from the future keeps its producer remembered as long as the frame could come back") {
  Worker worker(1);
  Aggregator aggregator(kOptions);
  const std::string frame = worker.Count(1, 50'000);
  CHECK(aggregator.Apply(frame, 1'000).ok());
  CHECK(aggregator.Prune(20'000) == Error::kOk);
  CHECK(aggregator.Apply(frame, 20'000).value() == Aggregator::Applied::kDuplicate);
  CHECK(aggregator.Prune(60'001) == Error::kOk);
  CHECK(aggregator.Apply(frame, 60'001).error() == Error::kTooOld);
}

TEST_CASE("A gauge counts per producer, in order of the frames, until it expires") {
  Worker first(1);
  Worker second(2);
  Aggregator aggregator(kOptions);
  const std::string older = first.Set(5, 1'000);
  const std::string newer = first.Set(7, 1'100);
  CHECK(aggregator.Apply(newer, 1'100).ok());
  CHECK(aggregator.Apply(older, 1'100).ok());
  CHECK(GaugeAt(aggregator, 1'200) == 7);
  CHECK(aggregator.Apply(second.Set(30, 1'500), 1'500).ok());
  CHECK(GaugeAt(aggregator, 1'600) == 37);
  CHECK(aggregator.NextPruneUnixMs() == 2'101);
  CHECK(GaugeAt(aggregator, 2'101) == 30);
  CHECK(GaugeAt(aggregator, 2'600) == -1);
  CHECK(aggregator.Prune(2'101) == Error::kOk);
  CHECK(aggregator.NextPruneUnixMs() == 2'501);
  CHECK(aggregator.Prune(2'600) == Error::kOk);
  CHECK(aggregator.NextPruneUnixMs() == 11'101);
  CHECK(GaugeAt(aggregator, 1'600) == -1);
}

TEST_CASE("Gauges of one producer are limited and what does not fit is counted") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kGaugeLast, "g", {"x"}), 0));
  for (uint32_t i = 0; i < kMaxGaugesPerProducer + 3; ++i) {
    CHECK(registry.Record(Bind(registry, family, {std::to_string(i)}), i) == Error::kOk);
  }
  Aggregator aggregator(kOptions);
  for (const std::string& frame : TakeFrames(registry)) CHECK(aggregator.Apply(frame, 2'000).ok());
  CHECK(aggregator.counters()[AggregatorCounter::kGaugesDropped] == 3);
}

TEST_CASE("An aggregator loaded from its chunks goes on as if nothing had happened") {
  Dice dice(5);
  ChunkStore store;
  Aggregator alive(kOptions);
  std::vector<std::string> all;
  for (uint64_t number = 1; number <= 90; ++number) {
    SampleProducer producer(number, dice);
    producer.Work(20);
    for (const std::string& frame : TakeFrames(producer.registry)) {
      all.push_back(frame);
      CHECK(alive.Apply(frame, 2'000).ok());
    }
    if (dice.Chance(20)) store.Commit(alive);
  }
  std::string version_before = SnapshotBytes(alive);
  store.Commit(alive);
  CHECK_FALSE(alive.changed());
  // Several chunks of series and of producers.
  CHECK(store.chunks.size() > 6);
  Aggregator loaded(kOptions);
  REQUIRE(store.Load(loaded) == Error::kOk);
  CHECK(loaded.producers() == 90);
  CHECK_FALSE(loaded.changed());
  CHECK(SnapshotBytes(loaded) == SnapshotBytes(alive));
  for (const std::string& frame : all) CHECK(loaded.Apply(frame, 2'000).value() == Aggregator::Applied::kDuplicate);
}

TEST_CASE("Only chunks that changed are written again") {
  ChunkStore store;
  Aggregator aggregator(kOptions);
  std::vector<std::unique_ptr<Worker>> workers;
  for (uint64_t i = 0; i < 200; ++i) {
    workers.push_back(std::make_unique<Worker>(i));
    CHECK(aggregator.Apply(workers.back()->Count(1), 1'000).ok());
  }
  Registry wide(MakeProducer(1'000));
  const uint32_t family = Must(wide.Declare(MakeDeclaration(Kind::kCounter, "wide", {"x"}), 0));
  for (int i = 0; i < 300; ++i) Bind(wide, family, {std::to_string(i)});
  CHECK(aggregator.Apply(TakeFrames(wide).front(), 1'000).ok());
  store.Commit(aggregator);
  CHECK(store.chunks.size() == 1 + 1 + 10 + 4);
  CHECK(aggregator.Apply(workers[70]->Count(1), 1'000).ok());
  ChunkStore changes;
  changes.Commit(aggregator);
  // The head, the chunk of `c` and that of the producer.
  CHECK(changes.chunks.size() == 3);
  CHECK(changes.chunks.count(0) == 1);
  CHECK(changes.chunks.count(2U << 24) == 1);
  CHECK(changes.chunks.count((3U << 24) | 1) == 1);
  ByteWriter writer;
  CHECK(aggregator.TakeChanges(writer) == Error::kOk);
  CHECK(writer.size() == 0);
}

TEST_CASE("A family has the times of its first and its last value, also after a restart") {
  ChunkStore stored;
  Aggregator aggregator(kOptions);
  Registry registry(MakeProducer(1));
  const uint32_t row = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {});
  const auto count_at = [&](double made, double now) {
    CHECK(registry.Record(row, 1) == Error::kOk);
    for (const std::string& frame : TakeFrames(registry, made)) CHECK(aggregator.Apply(frame, now).ok());
    stored.Commit(aggregator);
  };
  const auto times = [&] {
    Aggregator loaded(kOptions);
    REQUIRE(stored.Load(loaded) == Error::kOk);
    Snapshot snapshot;
    REQUIRE(snapshot.Merge(SnapshotBytes(loaded)) == Error::kOk);
    const Family& in_store = *loaded.store().families().front();
    const Family& in_snapshot = *snapshot.store().families().front();
    CHECK(in_snapshot.since_unix_ms == in_store.since_unix_ms);
    CHECK(in_snapshot.written_unix_ms == in_store.written_unix_ms);
    return std::pair(in_store.since_unix_ms, in_store.written_unix_ms);
  };
  count_at(1'000'000, 1'000'500);
  CHECK(times() == std::pair<uint64_t, uint64_t>(1'000'000, 1'000'000));
  // To the minute, so that not every frame changes the chunk of its families.
  count_at(1'059'999, 1'059'999);
  CHECK(times() == std::pair<uint64_t, uint64_t>(1'000'000, 1'000'000));
  count_at(1'060'000, 1'060'000);
  CHECK(times() == std::pair<uint64_t, uint64_t>(1'000'000, 1'060'000));
  // A frame that arrives late, and one of a producer whose clock is ahead.
  count_at(990'000, 1'070'000);
  CHECK(times() == std::pair<uint64_t, uint64_t>(990'000, 1'060'000));
  count_at(9'000'000, 1'130'000);
  CHECK(times() == std::pair<uint64_t, uint64_t>(990'000, 1'130'000));
}

TEST_CASE("A chunk that is damaged, missing, unknown or in the wrong place stops the aggregator") {
  Dice dice(6);
  ChunkStore store;
  Aggregator aggregator(kOptions);
  for (uint64_t number = 1; number <= 130; ++number) {
    SampleProducer producer(number, dice);
    producer.Work(5);
    for (const std::string& frame : TakeFrames(producer.registry)) CHECK(aggregator.Apply(frame, 2'000).ok());
  }
  store.Commit(aggregator);
  for (const auto& [key, bytes] : store.chunks) {
    CAPTURE(key);
    ChunkStore broken = store;
    broken.chunks[key].resize(bytes.size() / 2);
    Aggregator damaged(kOptions);
    CHECK(broken.Load(damaged) == Error::kCorrupt);
    broken.chunks[key] = bytes;
    broken.chunks[key][3] = 4;
    Aggregator unknown(kOptions);
    CHECK(broken.Load(unknown) == Error::kUnknownVersion);
    CHECK(unknown.Apply(bytes, 1'000).error() == Error::kUnknownVersion);
    ByteWriter writer;
    CHECK(unknown.TakeChanges(writer) == Error::kUnknownVersion);
    CHECK(unknown.WriteSnapshot(1'000, writer) == Error::kUnknownVersion);
    CHECK(unknown.Prune(1'000) == Error::kUnknownVersion);
    broken.chunks.erase(key);
    Aggregator missing(kOptions);
    CHECK(broken.Load(missing) == Error::kCorrupt);
    broken.chunks[key + 1'000] = bytes;
    Aggregator misplaced(kOptions);
    CHECK(broken.Load(misplaced) == Error::kCorrupt);
  }
  // Producers would come to stand under other numbers.
  constexpr uint32_t kFirstProducers = 3U << 24;
  REQUIRE(store.chunks.count(kFirstProducers + 1) == 1);
  Aggregator disordered(kOptions);
  for (const auto& [key, bytes] : store.chunks) {
    if (key < kFirstProducers) CHECK(disordered.Load(key, bytes) == Error::kOk);
  }
  CHECK(disordered.Load(kFirstProducers + 1, store.chunks.at(kFirstProducers + 1)) == Error::kCorrupt);
  // With a right checksum, whatever they say.
  for (int i = 0; i < 3'000; ++i) {
    ChunkStore hostile = store;
    auto chunk = hostile.chunks.begin();
    std::advance(chunk, static_cast<std::ptrdiff_t>(dice.Below(hostile.chunks.size())));
    chunk->second[4 + dice.Below(chunk->second.size() - 8)] = static_cast<char>(dice.Next());
    chunk->second = Sealed(chunk->second);
    Aggregator loaded(kOptions);
    if (hostile.Load(loaded) == Error::kOk) CHECK_FALSE(SnapshotBytes(loaded).empty());
  }
}

TEST_CASE("Snapshot versions grow, over restarts too") {
  ChunkStore store;
  Snapshot first;
  {
    Aggregator aggregator(kOptions);
    CHECK(store.Load(aggregator) == Error::kOk);
    CHECK(first.Merge(SnapshotBytes(aggregator)) == Error::kOk);
    store.Commit(aggregator);
  }
  Aggregator aggregator(kOptions);
  CHECK(store.Load(aggregator) == Error::kOk);
  Snapshot second;
  CHECK(second.Merge(SnapshotBytes(aggregator)) == Error::kOk);
  CHECK(first.info().version == 1);
  CHECK(second.info().version == 2);
}

TEST_CASE("The host counts what it does with the totals, and nothing else") {
  Aggregator aggregator(kOptions);
  REQUIRE(aggregator.FinishLoad() == Error::kOk);
  const auto accepted = static_cast<uint32_t>(AggregatorCounter::kOtlpPointsAccepted);
  CHECK(aggregator.CountHost(accepted, 3) == Error::kOk);
  CHECK(aggregator.changed());
  CHECK(aggregator.CountHost(accepted, 4) == Error::kOk);
  CHECK(aggregator.counters()[AggregatorCounter::kOtlpPointsAccepted] == 7);
  CHECK(aggregator.CountHost(static_cast<uint32_t>(AggregatorCounter::kFramesApplied), 1) == Error::kOutOfRange);
  CHECK(aggregator.CountHost(kAggregatorCounterCount, 1) == Error::kOutOfRange);
  for (const double amount : {-1.0, 1e17, std::nan("")}) {
    CHECK(aggregator.CountHost(accepted, amount) == Error::kOutOfRange);
  }
  CHECK(aggregator.counters()[AggregatorCounter::kOtlpPointsAccepted] == 7);
}

TEST_CASE("Series past the limit go to the overflow series of their family, families past it are dropped") {
  Aggregator aggregator(kOptions);
  for (uint64_t number = 0; number <= kMaxSeries / kMaxSeriesPerFamily; ++number) {
    Registry registry(MakeProducer(number));
    const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"x"}), 0));
    for (uint32_t i = 0; i < kMaxSeriesPerFamily; ++i) {
      const uint32_t row = Bind(registry, family, {Numbered(Numbered("", number) += "/", i)});
      CHECK(registry.Record(row, 1) == Error::kOk);
    }
    for (const std::string& frame : TakeFrames(registry)) CHECK(aggregator.Apply(frame, 2'000).ok());
  }
  CHECK(aggregator.store().series().size() == kMaxSeries + 1);
  CHECK(aggregator.counters()[AggregatorCounter::kSeriesOverflowed] == kMaxSeriesPerFamily);
  CHECK(FindPoint(aggregator.store(), "c")->sum.ToDouble() == kMaxSeriesPerFamily);

  for (uint64_t number = 0; number < 2; ++number) {
    Registry registry(MakeProducer(1'000 + number));
    for (uint32_t i = 0; i < kMaxFamilies - 1; ++i) {
      const std::string name = Numbered(Numbered("f", number) += "_", i);
      Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kCounter, name), 0)), {});
    }
    for (const std::string& frame : TakeFrames(registry)) CHECK(aggregator.Apply(frame, 2'000).ok());
  }
  CHECK(aggregator.store().families().size() == kMaxFamilies);
  CHECK(aggregator.counters()[AggregatorCounter::kSeriesDropped] == kMaxFamilies - 1);
}

}  // namespace
}  // namespace isotel::metrics

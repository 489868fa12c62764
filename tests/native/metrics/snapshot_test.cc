#include "metrics/snapshot.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "base/limits.h"
#include "metrics/message.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

std::string Written(const Snapshot& snapshot) {
  ByteWriter writer;
  snapshot.Write(writer);
  return std::string(writer.view());
}

std::string Merged(const std::vector<std::string>& parts) {
  Snapshot snapshot;
  for (const std::string& part : parts) REQUIRE(snapshot.Merge(part) == Error::kOk);
  return Written(snapshot);
}

// The snapshot of an aggregator of its own, from a few producers.
std::string SampleSnapshot(Dice& dice, uint64_t first_producer) {
  Aggregator aggregator{AggregatorOptions{}};
  for (uint64_t i = 0; i < 1 + dice.Below(3); ++i) {
    SampleProducer producer(first_producer + i, dice);
    producer.Work(dice.Below(60), 1'000 + static_cast<double>(dice.Below(100)));
    for (const std::string& frame : TakeFrames(producer.registry, 1'500 + static_cast<double>(dice.Below(100)))) {
      REQUIRE(aggregator.Apply(frame, 2'000).ok());
    }
  }
  return SnapshotBytes(aggregator, 2'000 + static_cast<double>(dice.Below(100)));
}

TEST_CASE("Merging snapshots is associative and commutative, byte for byte") {
  Dice dice(1);
  for (int round = 0; round < 60 * Effort("ISOTEL_PROPERTY_EFFORT"); ++round) {
    const std::string a = SampleSnapshot(dice, 10);
    const std::string b = SampleSnapshot(dice, 20);
    const std::string c = SampleSnapshot(dice, 30);
    const std::string all = Merged({a, b, c});
    CHECK(Merged({c, a, b}) == all);
    CHECK(Merged({Merged({a, b}), c}) == all);
    CHECK(Merged({a, Merged({c, b})}) == all);
  }
}

TEST_CASE("A look at a snapshot tells what merging it would, and what is wrong with it") {
  Dice dice(3);
  const std::string bytes = SampleSnapshot(dice, 10);
  Snapshot snapshot;
  REQUIRE(snapshot.Merge(bytes) == Error::kOk);
  const Result<SnapshotInfo> info = PeekSnapshot(bytes);
  REQUIRE(info.ok());
  CHECK(info.value().version == snapshot.info().version);
  CHECK(info.value().unix_ms == snapshot.info().unix_ms);
  for (size_t i = 0; i < kAggregatorCounterCount; ++i) {
    const auto counter = static_cast<AggregatorCounter>(i);
    CHECK(info.value().counters[counter] == snapshot.info().counters[counter]);
  }
  for (size_t size = 0; size < bytes.size(); ++size) CHECK(!PeekSnapshot(bytes.substr(0, size)).ok());
  std::string newer = bytes;
  newer[3] = 9;
  CHECK(PeekSnapshot(newer).error() == Error::kUnknownVersion);
}

TEST_CASE("The empty snapshot changes nothing and a snapshot is written as it was read") {
  Dice dice(2);
  const std::string empty = Written(Snapshot());
  for (int round = 0; round < 20; ++round) {
    const std::string a = SampleSnapshot(dice, 10);
    CHECK(Merged({a}) == a);
    CHECK(Merged({a, empty}) == a);
    CHECK(Merged({empty, a}) == a);
  }
}

TEST_CASE("Gauges of several producers become their sum, minimum, maximum or latest") {
  Aggregator aggregator{AggregatorOptions{}};
  const double values[] = {3, -1, 7};
  for (uint64_t i = 0; i < 3; ++i) {
    Registry registry(MakeProducer(i));
    for (const Kind kind : {Kind::kGaugeSum, Kind::kGaugeMin, Kind::kGaugeMax, Kind::kGaugeLast}) {
      const std::string name(Info(kind).text);
      const uint32_t row = Bind(registry, Must(registry.Declare(MakeDeclaration(kind, name), 0)), {});
      CHECK(registry.Record(row, values[i]) == Error::kOk);
    }
    // The second writes last.
    for (const std::string& frame : TakeFrames(registry, i == 1 ? 1'900 : 1'800)) {
      CHECK(aggregator.Apply(frame, 1'900).ok());
    }
  }
  Snapshot snapshot;
  CHECK(snapshot.Merge(SnapshotBytes(aggregator)) == Error::kOk);
  CHECK(FindPoint(snapshot.store(), "gauge_sum")->sum.ToDouble() == 9);
  CHECK(FindPoint(snapshot.store(), "gauge_min")->value == -1);
  CHECK(FindPoint(snapshot.store(), "gauge_max")->value == 7);
  CHECK(FindPoint(snapshot.store(), "gauge_last")->value == -1);
}

TEST_CASE("Both zeros of a gauge are one value, whoever comes first") {
  std::vector<std::string> parts;
  for (const double zero : {0.0, -0.0}) {
    Aggregator aggregator{AggregatorOptions{}};
    Registry registry(MakeProducer(zero == 0 && std::signbit(zero) ? 1 : 2));
    const uint32_t row = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kGaugeMin, "g"), 0)), {});
    CHECK(registry.Record(row, zero) == Error::kOk);
    for (const std::string& frame : TakeFrames(registry)) CHECK(aggregator.Apply(frame, 2'000).ok());
    parts.push_back(SnapshotBytes(aggregator));
  }
  CHECK(Merged({parts[0], parts[1]}) == Merged({parts[1], parts[0]}));
}

TEST_CASE("Counts and whole sums go past what 32 bits and doubles hold") {
  Aggregator aggregator{AggregatorOptions{}};
  Registry registry(MakeProducer(1));
  const uint32_t counter = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {});
  CHECK(registry.Record(counter, 9007199254740992.0) == Error::kOk);
  for (const std::string& frame : TakeFrames(registry)) CHECK(aggregator.Apply(frame, 2'000).ok());
  CHECK(registry.Record(counter, 1) == Error::kOk);
  for (const std::string& frame : TakeFrames(registry)) CHECK(aggregator.Apply(frame, 2'000).ok());
  int64_t whole = 0;
  CHECK(FindPoint(aggregator.store(), "c")->sum.IsWhole(whole));
  CHECK(whole == 9007199254740993);
}

TEST_CASE("A damaged or unknown snapshot is an error, never a crash") {
  Dice dice(3);
  const std::string good = SampleSnapshot(dice, 1);
  for (size_t size = 0; size < good.size(); ++size) {
    Snapshot snapshot;
    CHECK(snapshot.Merge(good.substr(0, size)) == Error::kCorrupt);
  }
  std::string newer = good;
  newer[3] = static_cast<char>(FormatVersion("ISS") + 1);
  Snapshot snapshot;
  CHECK(snapshot.Merge(newer) == Error::kUnknownVersion);
  // With a right checksum the contents have to be refused, or to be harmless, for what they say.
  for (int i = 0; i < 20'000; ++i) {
    std::string hostile = good;
    for (uint64_t n = 1 + dice.Below(3); n > 0; --n) {
      hostile[4 + dice.Below(hostile.size() - 8)] = static_cast<char>(dice.Next());
    }
    Snapshot into;
    if (into.Merge(Sealed(hostile)) == Error::kOk) CHECK_FALSE(Written(into).empty());
  }
}

TEST_CASE("Snapshots of 10,000 histogram series stay below 2 MB") {
  Aggregator aggregator{AggregatorOptions{}};
  Dice dice(4);
  Declaration declaration = MakeDeclaration(Kind::kHistogram, "http_server_duration_seconds", {"route", "status"});
  declaration.bounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  for (uint64_t producer = 0; producer < 5; ++producer) {
    Registry registry(MakeProducer(producer));
    const uint32_t family = Must(registry.Declare(declaration, 0));
    for (int i = 0; i < 2'000; ++i) {
      const std::string route = Numbered("/api/v1/resource/", producer * 2'000 + static_cast<uint64_t>(i));
      const uint32_t row = Bind(registry, family, {route, "200"});
      for (int n = 0; n < 60; ++n)
        CHECK(registry.Record(row, static_cast<double>(dice.Below(12'000)) / 1e3) == Error::kOk);
    }
    for (const std::string& frame : TakeFrames(registry)) CHECK(aggregator.Apply(frame, 2'000).ok());
  }
  CHECK(aggregator.store().series().size() == 10'000);
  CHECK(SnapshotBytes(aggregator).size() < 2'000'000);
}

TEST_CASE("Counters of another build are added as far as they are known") {
  ByteWriter writer;
  writer.Varint(kAggregatorCounterCount + 2);
  for (size_t i = 0; i < kAggregatorCounterCount + 2; ++i) writer.Varint(i + 1);
  AggregatorCounters counters;
  ByteReader reader(writer.view());
  counters.Merge(reader);
  CHECK(reader.Done());
  CHECK(counters[AggregatorCounter::kFramesApplied] == 1);
  CHECK(counters[AggregatorCounter::kRecordsDamaged] == kAggregatorCounterCount);
}

}  // namespace
}  // namespace isotel::metrics

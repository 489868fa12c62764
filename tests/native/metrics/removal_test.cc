// Series that leave the totals: expiry, drops and limits.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "base/limits.h"
#include "metrics/aggregator.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

constexpr uint64_t kExpiryMs = 100'000;
constexpr AggregatorOptions kOptions{
    .producer_retention_ms = 10'000'000, .gauge_expiry_ms = 1'000, .series_expiry_ms = kExpiryMs};

// An isolate with a counter `c` and a gauge `g`, both with the label `k`.
struct Isolate {
  explicit Isolate(uint64_t number) : registry(MakeProducer(number)) {
    counter = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"k"}), 0));
    gauge = Must(registry.Declare(MakeDeclaration(Kind::kGaugeSum, "g", {"k"}), 0));
  }
  std::string Add(std::string_view label, double by, double now) { return Record(counter, label, by, now); }
  std::string Set(std::string_view label, double value, double now) { return Record(gauge, label, value, now); }
  std::string Record(uint32_t family, std::string_view label, double value, double now) {
    REQUIRE(registry.Record(Bind(registry, family, {label}, now), value) == Error::kOk);
    return TakeFrames(registry, now).front();
  }
  Registry registry;
  uint32_t counter;
  uint32_t gauge;
};

void Apply(Aggregator& aggregator, const std::string& frame, double now) {
  const Result<Aggregator::Applied> applied = aggregator.Apply(frame, now);
  REQUIRE(applied.ok());
  REQUIRE(applied.value() == Aggregator::Applied::kApplied);
}

double CounterOf(const Store& store, std::string_view label) {
  const Point* const point = FindPoint(store, "c", {label});
  return point == nullptr ? -1 : point->sum.ToDouble();
}

uint32_t Expire(Aggregator& aggregator, double now, const Store* others = nullptr) {
  return Must(aggregator.ExpireSeries(now, others));
}

Snapshot Read(Aggregator& aggregator, double now) {
  Snapshot snapshot;
  REQUIRE(snapshot.Merge(SnapshotBytes(aggregator, now)) == Error::kOk);
  return snapshot;
}

TEST_CASE("A series expires after the time without a value, to the millisecond") {
  Isolate isolate(1);
  Aggregator aggregator(kOptions);
  Apply(aggregator, isolate.Add("a", 1, 1'000), 1'000);
  Apply(aggregator, isolate.Add("b", 2, 2'000), 2'000);
  CHECK(aggregator.NextSeriesExpiryUnixMs() == 1'000 + kExpiryMs + 1);
  CHECK(Expire(aggregator, 1'000 + kExpiryMs) == 0);
  CHECK(Expire(aggregator, 1'000 + kExpiryMs + 1) == 1);
  CHECK(CounterOf(aggregator.store(), "a") == -1);
  CHECK(CounterOf(aggregator.store(), "b") == 2);
  CHECK(aggregator.NextSeriesExpiryUnixMs() == 2'000 + kExpiryMs + 1);
  CHECK(aggregator.counters()[AggregatorCounter::kSeriesExpired] == 1);
}

TEST_CASE("A value that arrives late keeps its series, however old the frame is") {
  Isolate isolate(1);
  Aggregator aggregator(kOptions);
  const std::string frame = isolate.Add("a", 1, 1'000);
  Apply(aggregator, frame, 5'000'000);
  CHECK(Expire(aggregator, 5'000'000 + kExpiryMs) == 0);
  CHECK(CounterOf(aggregator.store(), "a") == 1);
}

TEST_CASE("A snapshot hides a series from the second it expires until it is removed") {
  Isolate isolate(1);
  Aggregator aggregator(kOptions);
  Apply(aggregator, isolate.Add("a", 1, 1'200), 1'200);
  for (const double made : {1'300.0, 2'000.0, 2'001.0, 90'000.0}) {
    CAPTURE(made);
    const Snapshot snapshot = Read(aggregator, made);
    const Series& series = snapshot.store().series().front();
    CHECK(series.written_unix_ms == 2'000);
    CHECK_FALSE(snapshot.IsExpired(series, 2'000 + kExpiryMs));
    CHECK(snapshot.IsExpired(series, 2'000 + kExpiryMs + 1));
  }
}

TEST_CASE("Each series of a snapshot has its own time") {
  Isolate isolate(1);
  Aggregator aggregator(kOptions);
  for (const auto& [label, now] : {std::pair("a", 1'000.0), std::pair("b", 9'000.0), std::pair("c", 5'000.0)}) {
    Apply(aggregator, isolate.Add(label, 1, now), now);
  }
  const Snapshot snapshot = Read(aggregator, 9'000);
  std::map<std::string, uint64_t> written;
  for (const Series& series : snapshot.store().series()) {
    written[std::string(snapshot.store().LabelsOf(series).substr(1))] = series.written_unix_ms;
  }
  CHECK(written == std::map<std::string, uint64_t>{{"a", 1'000}, {"b", 9'000}, {"c", 5'000}});
}

TEST_CASE("The merged time of a series is its last one, and the merged expiry the longest") {
  Isolate isolate(1);
  AggregatorOptions longer = kOptions;
  longer.series_expiry_ms = 3 * kExpiryMs;
  Aggregator first(kOptions);
  Aggregator second(longer);
  Apply(first, isolate.Add("a", 1, 1'000), 1'000);
  Apply(second, Isolate(2).Add("a", 2, 70'000), 70'000);
  const std::string one = SnapshotBytes(first, 80'000);
  const std::string two = SnapshotBytes(second, 180'000);
  std::set<std::string> bytes;
  for (const bool is_swapped : {false, true}) {
    Snapshot merged;
    REQUIRE(merged.Merge(is_swapped ? two : one) == Error::kOk);
    REQUIRE(merged.Merge(is_swapped ? one : two) == Error::kOk);
    CHECK(merged.info().series_expiry_ms == 3 * kExpiryMs);
    CHECK(merged.store().series().front().written_unix_ms == 70'000);
    CHECK(CounterOf(merged.store(), "a") == 3);
    ByteWriter writer;
    merged.Write(writer);
    bytes.insert(std::string(writer.view()));
  }
  CHECK(bytes.size() == 1);
}

TEST_CASE("Without an expiry nothing expires") {
  AggregatorOptions options = kOptions;
  options.series_expiry_ms = kNeverMs;
  Aggregator aggregator(options);
  Apply(aggregator, Isolate(1).Add("a", 1, 1'000), 1'000);
  CHECK(Expire(aggregator, 8e15) == 0);
  CHECK(aggregator.NextSeriesExpiryUnixMs() == UINT64_MAX);
  const Snapshot snapshot = Read(aggregator, 2'000);
  CHECK_FALSE(snapshot.IsExpired(snapshot.store().series().front(), 8e15));
}

TEST_CASE("A series stays while another shard receives it, and goes when both are idle") {
  Aggregator first(kOptions);
  Aggregator second(kOptions);
  Isolate isolate(2);
  Apply(first, Isolate(1).Add("a", 100, 1'000), 1'000);
  Apply(second, isolate.Add("a", 50, 90'000), 90'000);
  const double later = 1'000 + kExpiryMs + 1;
  CHECK(Expire(first, later, &Read(second, later).store()) == 0);
  CHECK(CounterOf(first.store(), "a") == 100);
  const double last = 90'000 + kExpiryMs + 1;
  const Snapshot others = Read(second, last);
  CHECK(Expire(first, last, &others.store()) == 1);
}

TEST_CASE("A series that comes back starts anew, at a time that is not before its removal") {
  Isolate isolate(1);
  Aggregator aggregator(kOptions);
  Apply(aggregator, isolate.Add("a", 5, 1'000), 1'000);
  Apply(aggregator, isolate.Add("b", 5, 1'000), 1'000);
  const double removed = 2'000 + kExpiryMs;
  REQUIRE(Expire(aggregator, removed) == 2);
  // The isolate created the series long before.
  Apply(aggregator, isolate.Add("a", 1, removed + 500), removed + 500);
  CHECK(CounterOf(aggregator.store(), "a") == 1);
  CHECK(FindPoint(aggregator.store(), "c", {"a"})->unix_ms == static_cast<uint64_t>(removed));

  ChunkStore stored;
  stored.Commit(aggregator);
  Aggregator loaded(kOptions);
  REQUIRE(stored.Load(loaded) == Error::kOk);
  Apply(loaded, isolate.Add("b", 1, removed + 600), removed + 600);
  CHECK(FindPoint(loaded.store(), "c", {"b"})->unix_ms == static_cast<uint64_t>(removed));
}

TEST_CASE("A series that comes back with a frame made before its removal does not start before the removal") {
  Isolate isolate(1);
  Aggregator aggregator(kOptions);
  Apply(aggregator, isolate.Add("a", 5, 1'000), 1'000);
  const double removed = 2'000 + kExpiryMs;
  const std::string late = isolate.Add("a", 1, removed - 500);
  REQUIRE(Expire(aggregator, removed) == 1);
  Apply(aggregator, late, removed + 500);
  CHECK(FindPoint(aggregator.store(), "c", {"a"})->unix_ms == static_cast<uint64_t>(removed));

  // An older frame of another isolate does not move the start.
  Apply(aggregator, isolate.Add("b", 1, removed + 600), removed + 600);
  Isolate other(2);
  const std::string older = other.Add("a", 1, 1'500);
  Apply(aggregator, older, removed + 700);
  CHECK(FindPoint(aggregator.store(), "c", {"a"})->unix_ms == static_cast<uint64_t>(removed));
  CHECK(CounterOf(aggregator.store(), "a") == 2);
}

TEST_CASE("A removal does not move the start of other series, whatever arrives later") {
  Isolate first(1);
  Isolate second(2);
  Aggregator aggregator(kOptions);
  const std::string early = second.Add("a", 1, 1'200);
  Apply(aggregator, first.Add("a", 1, 1'500), 1'500);
  Apply(aggregator, first.Add("gone", 1, 1'500), 1'500);
  Apply(aggregator, first.Add("a", 1, 90'000), 90'000);
  REQUIRE(Expire(aggregator, 2'000 + kExpiryMs) == 1);
  Apply(aggregator, early, 3'000 + kExpiryMs);
  CHECK(FindPoint(aggregator.store(), "c", {"a"})->unix_ms == 1'500);
}

TEST_CASE("A family stays without series while it is wanted, also in chunks and snapshots") {
  Isolate isolate(1);
  Aggregator aggregator(kOptions);
  ChunkStore stored;
  Apply(aggregator, isolate.Add("a", 5, 1'000), 1'000);
  const double removed = 2'000 + kExpiryMs;
  REQUIRE(Must(aggregator.ExpireSeries(removed, nullptr, {1})) == 1);
  stored.Commit(aggregator);
  Aggregator loaded(kOptions);
  REQUIRE(stored.Load(loaded) == Error::kOk);
  const Snapshot snapshot = Read(loaded, removed);
  for (const Store* store : {&aggregator.store(), &loaded.store(), &snapshot.store()}) {
    CHECK(store->series().empty());
    REQUIRE(store->families().size() == 1);
    CHECK(store->families().front()->declaration.name == "c");
    CHECK(store->families().front()->since_unix_ms == 1'000);
  }

  Apply(loaded, isolate.Set("x", 1, removed), removed);
  REQUIRE(loaded.store().families().size() == 2);
  REQUIRE(Must(loaded.Drop({0, 1}, removed, {1, 0})) == 1);
  CHECK(loaded.store().families().size() == 1);
  Apply(loaded, isolate.Set("x", 2, removed + 1), removed + 1);
  REQUIRE(Must(loaded.Drop({0, 1}, removed + 1)) == 1);
  CHECK(loaded.store().families().empty());
}

TEST_CASE("Series that were stored without times expire after the whole time from now") {
  AggregatorOptions options = kOptions;
  options.gauge_expiry_ms = 1;
  Aggregator loaded(options);
  const std::filesystem::path folder = std::filesystem::path(ISOTEL_SOURCE_DIR) / "tests/native/metrics/fixtures";
  ChunkStore stored;
  for (const uint32_t type : {0U, 1U, 2U, 3U}) {
    std::ifstream file(folder / (Numbered("v2_chunk_", type << 24) + ".bin"), std::ios::binary);
    REQUIRE(file.good());
    stored.chunks[type << 24] = std::string(std::istreambuf_iterator<char>(file), {});
  }
  REQUIRE(stored.Load(loaded) == Error::kOk);
  const auto series = static_cast<uint32_t>(loaded.store().series().size());
  constexpr double kNow = 1'800'000'000'000;
  const Snapshot unknown = Read(loaded, kNow);
  for (const Series& one : unknown.store().series()) {
    CHECK(one.written_unix_ms == 0);
    CHECK_FALSE(unknown.IsExpired(one, 2 * kNow));
  }
  CHECK(Expire(loaded, kNow) == 0);
  stored.Commit(loaded);
  Aggregator later(options);
  REQUIRE(stored.Load(later) == Error::kOk);
  CHECK(Expire(later, kNow + kExpiryMs) == 0);
  CHECK(Expire(later, kNow + kExpiryMs + 600'001) == series);
}

TEST_CASE("A gauge series expires, and the values of other gauges stay with their series") {
  Isolate isolate(1);
  AggregatorOptions options = kOptions;
  options.gauge_expiry_ms = 1'000'000;
  Aggregator aggregator(options);
  Apply(aggregator, isolate.Add("a", 1, 1'000), 1'000);
  Apply(aggregator, isolate.Set("x", 7, 150'000), 150'000);
  Apply(aggregator, isolate.Set("y", 8, 150'000), 150'000);
  REQUIRE(Expire(aggregator, 2'000 + kExpiryMs) == 1);
  const Snapshot snapshot = Read(aggregator, 200'000);
  CHECK(FindPoint(snapshot.store(), "g", {"x"})->sum.ToDouble() == 7);
  CHECK(FindPoint(snapshot.store(), "g", {"y"})->sum.ToDouble() == 8);
  ChunkStore stored;
  stored.Commit(aggregator);
  Aggregator loaded(options);
  REQUIRE(stored.Load(loaded) == Error::kOk);
  CHECK(Body(Read(loaded, 200'000).store()) == Body(Read(aggregator, 200'000).store()));
}

TEST_CASE("A gauge that is written now and then does not expire") {
  Isolate isolate(1);
  AggregatorOptions options = kOptions;
  options.series_expiry_ms = 60'000;
  Aggregator aggregator(options);
  double now = 1'000;
  for (; now < 3'000'000; now += 59'000) {
    Apply(aggregator, isolate.Set("x", 1, now), now);
    REQUIRE(Expire(aggregator, now) == 0);
  }
  CHECK(Expire(aggregator, now + 60'000 + 600'001) == 1);
}

TEST_CASE("A dropped family is gone from memory and from the stored chunks") {
  Aggregator aggregator(kOptions);
  Isolate isolate(1);
  ChunkStore stored;
  for (int i = 0; i < 100; ++i) {
    Apply(aggregator, isolate.Add(Numbered("label", static_cast<uint64_t>(i)), 1, 1'000), 1'000);
  }
  Apply(aggregator, isolate.Set("x", 7, 1'000), 1'000);
  stored.Commit(aggregator);
  const size_t before = stored.chunks.size();

  const auto number = [&] {
    for (uint32_t i = 0;; ++i) {
      if (aggregator.store().families()[i]->declaration.name == "c") return i;
    }
  }();
  std::vector<uint8_t> flags(aggregator.store().families().size());
  flags[number] = 1;
  CHECK(Must(aggregator.Drop(flags, 2'000)) == 100);
  stored.Commit(aggregator);
  CHECK(stored.chunks.size() + 3 == before);
  REQUIRE(aggregator.store().families().size() == 1);
  CHECK(aggregator.store().families().front()->since_unix_ms == 1'000);
  CHECK(aggregator.store().families().front()->written_unix_ms == 1'000);
  Aggregator loaded(kOptions);
  REQUIRE(stored.Load(loaded) == Error::kOk);
  CHECK(loaded.store().series().size() == 1);
  CHECK(FindPoint(Read(loaded, 2'000).store(), "g", {"x"})->sum.ToDouble() == 7);

  Apply(loaded, isolate.Add("label1", 3, 3'000), 3'000);
  CHECK(CounterOf(loaded.store(), "label1") == 3);
  CHECK(Must(loaded.Drop(std::vector<uint8_t>(loaded.store().families().size()), 4'000)) == 0);
}

TEST_CASE("Past a limit new label sets share the overflow series, and nothing is lost") {
  AggregatorOptions options = kOptions;
  SUBCASE("of all series") { options.limits.series = 10; }
  SUBCASE("of a family") { options.limits.family_series = 10; }
  SUBCASE("of bytes") {
    ByteWriter label;
    label.Bytes("k0");  // As long as the first ten.
    options.limits.exposition_bytes = 10 * ExpositionBytes(MakeDeclaration(Kind::kCounter, "c", {"k"}), label.view());
  }
  Aggregator aggregator(options);
  Isolate isolate(1);
  ChunkStore stored;
  for (uint64_t i = 0; i < 30; ++i) {
    Apply(aggregator, isolate.Add(Numbered("k", i % 15), 1, 1'000), 1'000);
    if (i == 9) {
      CHECK(aggregator.counters()[AggregatorCounter::kSeriesOverflowed] == 0);
      CHECK(aggregator.TakeOverflowedFamily() == Store::kNone);
    }
  }
  CHECK(aggregator.counters()[AggregatorCounter::kSeriesOverflowed] == 10);
  CHECK(aggregator.store().series().size() == 11);
  CHECK(CounterOf(aggregator.store(), "k0") == 2);
  CHECK(FindPoint(aggregator.store(), "c")->sum.ToDouble() == 10);
  CHECK(aggregator.TakeOverflowedFamily() == 0);
  CHECK(aggregator.TakeOverflowedFamily() == Store::kNone);

  // What is stored stays, also past a lower limit.
  stored.Commit(aggregator);
  options.limits = {.series = 2, .family_series = 2, .exposition_bytes = 1};
  Aggregator loaded(options);
  REQUIRE(stored.Load(loaded) == Error::kOk);
  CHECK(loaded.store().series().size() == 11);
  Apply(loaded, isolate.Add("k0", 1, 2'000), 2'000);
  CHECK(CounterOf(loaded.store(), "k0") == 3);
  Apply(loaded, isolate.Add("new", 1, 2'000), 2'000);
  CHECK(CounterOf(loaded.store(), "new") == -1);
  CHECK(FindPoint(loaded.store(), "c")->sum.ToDouble() == 11);

  // The family that has reached the limit may be gone.
  CHECK(Must(loaded.Drop(std::vector<uint8_t>(loaded.store().families().size(), 1), 3'000)) == 11);
  CHECK(loaded.TakeOverflowedFamily() == Store::kNone);
}

TEST_CASE("A chunk that has no series any more is deleted, also if the one before is full") {
  AggregatorOptions options = kOptions;
  options.gauge_expiry_ms = 1'000'000;
  Aggregator aggregator(options);
  Isolate isolate(1);
  ChunkStore stored;
  for (uint64_t i = 0; i < 32; ++i) Apply(aggregator, isolate.Add(Numbered("k", i), 1, 150'000), 150'000);
  for (uint64_t i = 0; i < 5; ++i) Apply(aggregator, isolate.Add(Numbered("old", i), 1, 1'000), 1'000);
  stored.Commit(aggregator);
  const size_t before = stored.chunks.size();
  CHECK(Expire(aggregator, 2'000 + kExpiryMs) == 5);
  stored.Commit(aggregator);
  CHECK(stored.chunks.size() + 1 == before);
}

TEST_CASE("Expiry makes room for new series") {
  AggregatorOptions options = kOptions;
  options.limits.series = 1;
  Aggregator aggregator(options);
  Isolate isolate(1);
  Apply(aggregator, isolate.Add("a", 1, 1'000), 1'000);
  Apply(aggregator, isolate.Add("b", 1, 1'000), 1'000);
  CHECK(CounterOf(aggregator.store(), "b") == -1);
  REQUIRE(Expire(aggregator, 2'000 + kExpiryMs) == 2);
  CHECK(aggregator.store().exposition_bytes() == 0);
  Apply(aggregator, isolate.Add("b", 1, 200'000), 200'000);
  CHECK(CounterOf(aggregator.store(), "b") == 1);
  Apply(aggregator, isolate.Add("c", 1, 200'000), 200'000);
  CHECK(CounterOf(aggregator.store(), "c") == -1);
}

// Random values, expiries, drops, crashes and restarts, compared with a map that does the same.
TEST_CASE("Totals after any order of values, expiries, drops and restarts are those of a simple model") {
  struct Entry {
    double total = 0;
    double written = 0;
  };
  const int rounds = 20 * Effort("ISOTEL_REMOVAL_EFFORT");
  for (int round = 0; round < rounds; ++round) {
    std::mt19937_64 random(static_cast<uint64_t>(round) + 1);
    const auto below = [&](uint64_t end) { return random() % end; };
    std::map<std::string, Entry> model;
    std::vector<std::unique_ptr<Isolate>> isolates;
    for (uint64_t i = 0; i < 5; ++i) isolates.push_back(std::make_unique<Isolate>(i + 1));
    auto aggregator = std::make_unique<Aggregator>(kOptions);
    ChunkStore stored;
    double now = 1'000;
    for (int step = 0; step < 400; ++step) {
      now += static_cast<double>(below(5'000));
      const uint64_t what = below(20);
      if (what < 14) {
        const std::string label = Numbered("l", below(60));
        const auto by = static_cast<double>(1 + below(9));
        Apply(*aggregator, isolates[below(5)]->Add(label, by, now), now);
        Entry& entry = model[label];
        entry.total += by;
        entry.written = now;
      } else if (what < 17) {
        uint32_t expired = 0;
        for (auto at = model.begin(); at != model.end();) {
          const bool is_over = at->second.written + static_cast<double>(kExpiryMs) < now;
          expired += is_over ? 1 : 0;
          at = is_over ? model.erase(at) : std::next(at);
        }
        CHECK(Expire(*aggregator, now) == expired);
      } else if (what == 17 && !aggregator->store().families().empty()) {
        CHECK(Must(aggregator->Drop(std::vector<uint8_t>(aggregator->store().families().size(), 1), now)) ==
              model.size());
        model.clear();
      } else {
        stored.Commit(*aggregator);
        aggregator = std::make_unique<Aggregator>(kOptions);
        REQUIRE(stored.Load(*aggregator) == Error::kOk);
      }
      REQUIRE(aggregator->store().series().size() == model.size());
      for (const auto& [label, entry] : model) REQUIRE(CounterOf(aggregator->store(), label) == entry.total);
    }
  }
}

}  // namespace
}  // namespace isotel::metrics

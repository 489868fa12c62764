#include "exposition/conflicts.h"

#include <doctest/doctest.h>

#include <set>

#include "../metrics/metrics_double.h"
#include "exposition/exposition.h"
#include "exposition_validator.h"

namespace isotel::exposition {
namespace {

using metrics::Declaration;
using metrics::Kind;
using metrics::MakeDeclaration;
using metrics::Store;

std::string BytesOf(const Declaration& declaration) {
  ByteWriter writer;
  Write(declaration, writer);
  return std::string(writer.view());
}

// The names of the family and of the samples that a metric has by itself, in both text formats.
std::set<std::string> ShownNames(const Declaration& declaration) {
  metrics::Aggregator aggregator{metrics::AggregatorOptions{}};
  metrics::Registry registry(metrics::MakeProducer(1));
  const uint32_t row = metrics::Bind(registry, metrics::Must(registry.Declare(declaration, 0)), {});
  REQUIRE(registry.Record(row, 1) == Error::kOk);
  for (const std::string& frame : metrics::TakeFrames(registry)) REQUIRE(aggregator.Apply(frame, 2'000).ok());
  metrics::Snapshot snapshot;
  REQUIRE(snapshot.Merge(metrics::SnapshotBytes(aggregator)) == Error::kOk);
  ByteWriter writer;
  Render(snapshot, Format::kOpenMetrics, {.now_unix_ms = 2'000}, writer);
  const Validated shown = ValidateOpenMetrics(writer.view());
  REQUIRE(shown.error == "");
  std::set<std::string> names;
  for (const auto& [name, type] : shown.types) names.insert(name);
  for (const Sample& sample : shown.samples) names.insert(sample.name);
  return names;
}

TEST_CASE("Metrics share a name if an exposition shows one of both under the same name") {
  std::vector<Declaration> all;
  for (const Kind kind : {Kind::kCounter, Kind::kGaugeLast, Kind::kHistogram}) {
    for (const char* name : {"a", "a.b", "a_b", "a_total", "a_created", "a_count", "a_sum", "a_bucket", "a_seconds",
                             "a_seconds_count", "a_total_count", "a_created_total", "ab"}) {
      for (const char* unit : {"", "s"}) {
        all.push_back(MakeDeclaration(kind, name));
        all.back().unit = unit;
      }
    }
  }
  std::vector<std::set<std::string>> shown;
  std::vector<NamedMetric> named;
  for (const Declaration& declaration : all) {
    shown.push_back(ShownNames(declaration));
    named.push_back(NamedMetricOf(declaration));
  }
  size_t conflicts = 0;
  for (size_t a = 0; a < all.size(); ++a) {
    for (size_t b = 0; b < all.size(); ++b) {
      CAPTURE(all[a].name);
      CAPTURE(all[b].name);
      CAPTURE(static_cast<int>(all[a].kind));
      CAPTURE(static_cast<int>(all[b].kind));
      const bool overlap = std::any_of(shown[a].begin(), shown[a].end(),
                                       [&](const std::string& name) { return shown[b].count(name) > 0; });
      CHECK(ShareNames(named[a], named[b]) == overlap);
      conflicts += overlap ? 1 : 0;
    }
  }
  CHECK(conflicts > 2 * all.size());
}

// The conflict of the last of some definitions.
const Declaration* ConflictOfLast(const std::vector<Declaration>& declarations) {
  static Store store;
  store = Store();
  uint32_t last = 0;
  for (const Declaration& declaration : declarations) last = store.AddFamily(BytesOf(declaration)).value();
  const uint32_t found = FindConflict(store, last);
  return found == Store::kNone ? nullptr : &store.families()[found]->declaration;
}

TEST_CASE("A definition is a conflict if it differs in more than help, labels and unit") {
  const Declaration counter = MakeDeclaration(Kind::kCounter, "jobs", {"k"});
  Declaration other = MakeDeclaration(Kind::kCounter, "jobs", {"k", "l"});
  other.help = "Jobs.";
  CHECK(ConflictOfLast({counter, other}) == nullptr);
  CHECK(ConflictOfLast({counter, MakeDeclaration(Kind::kCounter, "works")}) == nullptr);
  CHECK(ConflictOfLast({counter, MakeDeclaration(Kind::kCounter, "jobs_total")})->name == "jobs");
  CHECK(ConflictOfLast({counter, MakeDeclaration(Kind::kHistogram, "jobs")})->kind == Kind::kCounter);
  // Another aggregation of a gauge changes its values.
  const Declaration gauge = MakeDeclaration(Kind::kGaugeSum, "load");
  CHECK(ConflictOfLast({gauge, MakeDeclaration(Kind::kGaugeMax, "load")})->kind == Kind::kGaugeSum);

  Declaration changed = MakeDeclaration(Kind::kHistogram, "jobs");
  const Declaration histogram = changed;
  changed.bounds = {5};
  CHECK(ConflictOfLast({counter, histogram, changed})->kind == Kind::kHistogram);
  CHECK(ConflictOfLast({histogram, counter, changed})->kind == Kind::kHistogram);
}

// Adds a family with a series, or without one.
void Add(Store& store, const Declaration& declaration, uint64_t since_unix_ms, bool has_series = true) {
  const uint32_t family = store.AddFamily(BytesOf(declaration)).value();
  store.AddTimes(family, since_unix_ms, since_unix_ms);
  if (has_series) REQUIRE(store.AddSeries(family, {}).ok());
}

TEST_CASE("The oldest of several variants is known while another one has series, in any shard") {
  using Flags = std::vector<uint8_t>;
  const Declaration first = MakeDeclaration(Kind::kHistogram, "h");
  Declaration second = first;
  second.bounds = {5};
  Declaration described = first;
  described.help = "Help.";
  Store store;
  Add(store, second, 200);
  Add(store, first, 100);
  CHECK(OldestVariants(store, nullptr) == Flags{0, 1});
  CHECK(OldestVariants(store, nullptr, {1, 0}) == Flags{0, 0});
  CHECK(OldestVariants(store, nullptr, {0, 1}) == Flags{0, 1});
  // Other definitions of one variant, other kinds and other names are no variants.
  Store alone;
  Add(alone, first, 100);
  Add(alone, described, 200);
  Add(alone, MakeDeclaration(Kind::kCounter, "h"), 50);
  Add(alone, MakeDeclaration(Kind::kHistogram, "other"), 10);
  CHECK(OldestVariants(alone, nullptr) == Flags{0, 0, 0, 0});

  Store others;
  Add(others, second, 200);
  CHECK(OldestVariants(alone, &others) == Flags{1, 1, 0, 0});
  CHECK(OldestVariants(others, &alone) == Flags{0});
  Store without;
  Add(without, second, 200, false);
  CHECK(OldestVariants(alone, &without) == Flags{0, 0, 0, 0});
  // Without a time it is the oldest.
  Store old;
  Add(old, second, 0);
  CHECK(OldestVariants(old, &alone) == Flags{1});
}

TEST_CASE("A metric has its declared name and the names that expositions show") {
  Declaration counter = MakeDeclaration(Kind::kCounter, "shop.orders");
  counter.unit = "s";
  for (const char* name : {"shop.orders", "shop.orders_seconds", "shop_orders_seconds", "shop_orders_seconds_total"}) {
    CAPTURE(name);
    CHECK(HasName(counter, name));
  }
  for (const char* name : {"", "shop", "shop_orders", "shop_orders_total", "shop.orders_seconds_count"}) {
    CAPTURE(name);
    CHECK_FALSE(HasName(counter, name));
  }
  const Declaration gauge = MakeDeclaration(Kind::kGaugeLast, "load");
  CHECK(HasName(gauge, "load"));
  CHECK_FALSE(HasName(gauge, "load_total"));
}

}  // namespace
}  // namespace isotel::exposition

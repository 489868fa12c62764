#include "metrics/registry.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "metrics/labels.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

// What the frames of a registry add up to.
struct Totals {
  Aggregator aggregator{AggregatorOptions{}};

  explicit Totals(const std::vector<std::string>& frames) { Add(frames); }
  void Add(const std::vector<std::string>& frames) {
    for (const std::string& frame : frames) CHECK(aggregator.Apply(frame, 2'000).error() == Error::kOk);
  }
  const Store& store() const { return aggregator.store(); }
};

TEST_CASE("Equal declarations have one family and a different one of the same name is a conflict") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "a", {"x", "y"}), 0));
  CHECK(Must(registry.Declare(MakeDeclaration(Kind::kCounter, "a", {"x", "y"}), 0)) == family);
  CHECK(Must(registry.Declare(MakeDeclaration(Kind::kCounter, "b"), 0)) != family);
  CHECK(registry.Declare(MakeDeclaration(Kind::kGaugeLast, "a", {"x", "y"}), 0).error() == Error::kConflict);
  // The same names in another order would bind values to the wrong ones.
  CHECK(registry.Declare(MakeDeclaration(Kind::kCounter, "a", {"y", "x"}), 0).error() == Error::kConflict);
  CHECK(registry.Declare(MakeDeclaration(Kind::kCounter, ""), 0).error() == Error::kInvalidMetricName);
}

TEST_CASE("A metric has a family for each set of label names") {
  Registry registry(MakeProducer(1));
  const auto declare = [&](std::vector<std::string> labels, const char* unit = "") {
    Declaration declaration = MakeDeclaration(Kind::kCounter, "a", std::move(labels));
    declaration.unit = unit;
    return registry.Declare(std::move(declaration), 0);
  };
  const uint32_t none = Must(declare({}));
  const uint32_t one = Must(declare({"x"}));
  const uint32_t two = Must(declare({"x", "y"}));
  CHECK(none != one);
  CHECK(one != two);
  CHECK(Must(declare({"x"})) == one);
  CHECK(Must(declare({})) == none);
  CHECK(declare({"z"}, "By").error() == Error::kConflict);
  CHECK(declare({"y", "x"}).error() == Error::kConflict);
  CHECK(Must(declare({"z"})) != none);
}

constexpr Registry::Origin kBuiltIn = Registry::Origin::kBuiltIn;

TEST_CASE("A built-in family whose name the host has taken is refused, however the name is spelled") {
  for (const char* name :
       {"http.server.duration", "http_server_duration", "http_server_duration_seconds", "http.server_duration_total",
        "http.server.duration.seconds", "http_server_duration_seconds_total",
        "http\xC2\xB7server\xC2\xB7"
        "duration"}) {
    Registry registry(MakeProducer(1));
    Must(registry.Declare(MakeDeclaration(Kind::kCounter, name), 0));
    CHECK(registry.IsTaken("http.server.duration"));
    const Declaration built_in = MakeDeclaration(Kind::kHistogram, "http.server.duration");
    CHECK(registry.Declare(built_in, 0, kBuiltIn).error() == Error::kConflict);
    CHECK_FALSE(registry.IsTaken("http.server.durations"));
    CHECK(registry.Declare(MakeDeclaration(Kind::kHistogram, "http.server.durations"), 0, kBuiltIn).ok());
  }
}

TEST_CASE("A built-in family gives way to one of the host, and what it had recorded is flushed") {
  Registry registry(MakeProducer(1));
  Aggregator aggregator{AggregatorOptions{}};
  const uint32_t built_in = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "a.b", {"x"}), 0, kBuiltIn));
  const uint32_t row = Bind(registry, built_in, {"1"}, 0);
  CHECK(registry.Record(row, 1) == Error::kOk);
  const uint32_t own = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "a.b"), 0));
  CHECK(own != built_in);
  CHECK(registry.replaced_families() == 1);
  CHECK(registry.Record(row, 10) == Error::kOk);
  CHECK(registry.Record(Bind(registry, built_in, {"2"}, 0), 20) == Error::kOk);
  CHECK(registry.Record(Bind(registry, own, {}, 0), 300) == Error::kOk);
  for (const std::string& frame : TakeFrames(registry, 1'000)) CHECK(aggregator.Apply(frame, 1'000).ok());
  CHECK(FindPoint(aggregator.store(), "a.b", {"1"})->sum.ToDouble() == 1);
  CHECK(FindPoint(aggregator.store(), "a.b", {"2"}) == nullptr);
  CHECK(FindPoint(aggregator.store(), "a.b", {})->sum.ToDouble() == 300);
  CHECK(Must(registry.Declare(MakeDeclaration(Kind::kCounter, "a.b"), 0)) == own);
  CHECK(registry.replaced_families() == 1);
}

TEST_CASE("Families are limited") {
  Registry registry(MakeProducer(1));
  for (uint32_t i = 0; i < kMaxFamilies; ++i) {
    Must(registry.Declare(MakeDeclaration(Kind::kCounter, Numbered("f", i)), 0));
  }
  CHECK(registry.Declare(MakeDeclaration(Kind::kCounter, "more"), 0).error() == Error::kLimitReached);
}

TEST_CASE("A label set has one row, whatever the order its names were declared in") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "a", {"y", "x"}), 0));
  const uint32_t row = Bind(registry, family, {"the y", "the x"});
  CHECK(Bind(registry, family, {"the y", "the x"}) == row);
  CHECK(Bind(registry, family, {"the x", "the y"}) != row);
  CHECK(registry.Record(row, 3) == Error::kOk);
  const Totals totals(TakeFrames(registry));
  REQUIRE(FindPoint(totals.store(), "a", {"the x", "the y"}) != nullptr);
  CHECK(FindPoint(totals.store(), "a", {"the x", "the y"})->sum.ToDouble() == 3);
}

TEST_CASE("Binding checks the family, the number of values and their encoding") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "a", {"x"}), 0));
  const std::string_view values[] = {"1", "2"};
  CHECK(registry.Bind(family + 1, std::span(values, 1), 0).error() == Error::kOutOfRange);
  CHECK(registry.Bind(family, values, 0).error() == Error::kOutOfRange);
  const std::string_view invalid[] = {"\xff"};
  CHECK(registry.Bind(family, invalid, 0).error() == Error::kInvalidUtf8);
}

TEST_CASE("Label sets past the cap share one overflow row and are counted") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "a", {"x"}), 2));
  const uint32_t first = Bind(registry, family, {"1"});
  Bind(registry, family, {"2"});
  const uint32_t overflow = Bind(registry, family, {"3"});
  CHECK(Bind(registry, family, {"4"}) == overflow);
  CHECK(Bind(registry, family, {"1"}) == first);
  CHECK(registry.label_sets_overflowed() == 2);
  CHECK(registry.Record(overflow, 5) == Error::kOk);
  const Totals totals(TakeFrames(registry));
  REQUIRE(FindPoint(totals.store(), "a") != nullptr);
  CHECK(FindPoint(totals.store(), "a")->sum.ToDouble() == 5);
}

TEST_CASE("Label values too long for the limit go to the overflow row") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "a", {"x"}), 0));
  const std::string value(kMaxLabelBytes, 'v');
  CHECK(registry.Record(Bind(registry, family, {value}), 1) == Error::kOk);
  CHECK(registry.label_sets_overflowed() == 1);
  const Totals totals(TakeFrames(registry));
  CHECK(FindPoint(totals.store(), "a") != nullptr);
}

TEST_CASE("What is no value of the kind is refused and counted") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Registry registry(MakeProducer(1));
  std::vector<uint32_t> rows;
  for (const Declaration& declaration : SampleDeclarations()) {
    rows.push_back(Bind(registry, Must(registry.Declare(declaration, 0)), {"a", "b"}));
  }
  for (size_t kind = 0; kind < rows.size(); ++kind) {
    CAPTURE(kind);
    const bool gauge = IsGauge(static_cast<Kind>(kind));
    CHECK(registry.Record(rows[kind], nan) == Error::kInvalidValue);
    CHECK(registry.Record(rows[kind], kInfinity) == (gauge ? Error::kOk : Error::kInvalidValue));
    CHECK(registry.Record(rows[kind], -kInfinity) == (gauge ? Error::kOk : Error::kInvalidValue));
  }
  CHECK(registry.Record(rows[0], -1) == Error::kInvalidValue);
  CHECK(registry.Record(rows[0], -0.0) == Error::kOk);
  CHECK(registry.invalid_values() == 7 + 6 + 1);
  CHECK(registry.Record(registry.rows(), 1) == Error::kOutOfRange);
  CHECK(registry.Add(registry.rows(), 1) == Error::kOutOfRange);
}

TEST_CASE("A flush holds only what changed since the last one") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kHistogram, "h", {"x"}), 0));
  const uint32_t a = Bind(registry, family, {"a"});
  const uint32_t b = Bind(registry, family, {"b"});
  CHECK(registry.Record(a, 5) == Error::kOk);
  CHECK(registry.Record(b, 5) == Error::kOk);
  CHECK(registry.dirty());
  TakeFrames(registry);
  CHECK_FALSE(registry.dirty());
  CHECK(TakeFrames(registry).empty());
  CHECK(registry.Record(b, 500) == Error::kOk);
  const Totals totals(TakeFrames(registry));
  CHECK(FindPoint(totals.store(), "h", {"a"}) == nullptr);
  const Point* point = FindPoint(totals.store(), "h", {"b"});
  REQUIRE(point != nullptr);
  CHECK(point->counts == std::vector<uint64_t>{0, 0, 0, 1});
  CHECK(point->sum.ToDouble() == 500);
}

TEST_CASE("A bound counter is sent at zero before its first increment, a gauge only once it is set") {
  Registry registry(MakeProducer(1));
  const uint32_t counter = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0));
  const uint32_t gauge = Must(registry.Declare(MakeDeclaration(Kind::kGaugeLast, "g"), 0));
  Bind(registry, counter, {}, 1'234);
  const uint32_t row = Bind(registry, gauge, {});
  Totals totals(TakeFrames(registry));
  REQUIRE(FindPoint(totals.store(), "c") != nullptr);
  CHECK(FindPoint(totals.store(), "c")->unix_ms == 1'234);
  CHECK(FindPoint(totals.store(), "c")->sum == Sum());
  CHECK(FindPoint(totals.store(), "g") == nullptr);
  CHECK(registry.Add(row, 2) == Error::kOk);
  CHECK(registry.Add(row, -5) == Error::kOk);
  totals.Add(TakeFrames(registry));
  CHECK(FindPoint(totals.store(), "g") != nullptr);
  Snapshot snapshot;
  CHECK(snapshot.Merge(SnapshotBytes(totals.aggregator)) == Error::kOk);
  CHECK(FindPoint(snapshot.store(), "g")->value == -3);
}

TEST_CASE("Gauges are sent again when a refresh is asked for") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kGaugeLast, "g", {"x"}), 0));
  const uint32_t row = Bind(registry, family, {"a"});
  Bind(registry, family, {"never set"});
  CHECK(registry.Record(row, 2) == Error::kOk);
  CHECK(TakeFrames(registry).size() == 1);
  CHECK(TakeFrames(registry).empty());
  CHECK(TakeFrames(registry, 3'000, true).size() == 1);
}

TEST_CASE("Frames stay pending until they are committed and keep their number") {
  Registry registry(MakeProducer(1));
  const uint32_t row = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {});
  CHECK(registry.Record(row, 1) == Error::kOk);
  CHECK(registry.Flush(1'000, false) == 1);
  const Registry::Frame first = registry.pending()[0];
  CHECK(first.sequence == 1);
  CHECK(registry.Record(row, 2) == Error::kOk);
  CHECK(registry.Flush(2'000, false) == 2);
  CHECK(registry.pending()[0].sequence == 1);
  CHECK(registry.pending()[0].bytes == first.bytes);
  CHECK(registry.pending()[1].sequence == 2);
  CHECK(registry.Commit(1) == Error::kOk);
  CHECK(registry.Commit(1) == Error::kOutOfRange);
  REQUIRE(registry.pending().size() == 1);
  CHECK(registry.pending()[0].sequence == 2);
}

TEST_CASE("A delta too large for one frame is split into frames that each stand alone") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kHistogram, "h", {"x"}), 0));
  std::vector<uint32_t> rows;
  for (int i = 0; i < 2'000; ++i) {
    rows.push_back(Bind(registry, family, {Numbered("value ", static_cast<uint64_t>(i)) + std::string(150, 'v')}));
    CHECK(registry.Record(rows.back(), i) == Error::kOk);
  }
  std::vector<std::string> frames = TakeFrames(registry);
  CHECK(frames.size() >= 3);
  for (const std::string& frame : frames) CHECK(frame.size() <= kMaxFrameBytes);
  for (size_t i = 0; i + 1 < frames.size(); ++i) CHECK(frames[i].size() > kMaxFrameBytes - 1'000);
  const Totals forward(frames);
  std::reverse(frames.begin(), frames.end());
  const Totals backward(frames);
  CHECK(forward.store().series().size() == 2'000);
  CHECK(Body(forward.store()) == Body(backward.store()));
}

TEST_CASE("Data stays in the registry while too many frames are pending") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"x"}), 0));
  std::vector<uint32_t> rows;
  for (int i = 0; i < 1'000; ++i) rows.push_back(Bind(registry, family, {std::to_string(i) + std::string(1'000, 'v')}));
  for (int round = 0; round < 10; ++round) {
    for (const uint32_t row : rows) CHECK(registry.Record(row, 1) == Error::kOk);
    registry.Flush(1'000, false);
  }
  CHECK(registry.dirty());
  size_t bytes = 0;
  for (const Registry::Frame& frame : registry.pending()) bytes += frame.bytes.size();
  CHECK(bytes < kMaxPendingBytes + 1'100'000);
  Totals totals(TakeFrames(registry));
  totals.Add(TakeFrames(registry));
  CHECK_FALSE(registry.dirty());
  CHECK(FindPoint(totals.store(), "c", {"7" + std::string(1'000, 'v')})->sum.ToDouble() == 10);
}

TEST_CASE("Observations counted elsewhere are added as if they were recorded here") {
  Registry registry(MakeProducer(1));
  const uint32_t row = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kHistogram, "h"), 0)), {});
  const uint32_t counter = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {});
  const uint32_t counts[] = {2, 0, 1, 3, 9};
  CHECK(registry.Record(row, 5) == Error::kOk);
  CHECK(registry.RecordCounts(row, std::span(counts, 4), 700.5) == Error::kOk);
  CHECK(registry.RecordCounts(row, counts, 1) == Error::kOutOfRange);
  CHECK(registry.RecordCounts(row, std::span(counts, 3), 1) == Error::kOutOfRange);
  CHECK(registry.RecordCounts(counter, std::span(counts, 1), 1) == Error::kOutOfRange);
  CHECK(registry.RecordCounts(99, std::span(counts, 4), 1) == Error::kOutOfRange);
  CHECK(registry.RecordCounts(row, std::span(counts, 4), std::numeric_limits<double>::infinity()) ==
        Error::kInvalidValue);
  CHECK(registry.invalid_values() == 1);
  const Totals totals(TakeFrames(registry));
  CHECK(FindPoint(totals.store(), "h")->counts == std::vector<uint64_t>{2, 1, 1, 3});
  CHECK(FindPoint(totals.store(), "h")->sum.ToDouble() == 705.5);
}

TEST_CASE("Exemplars travel with the delta they belong to, the newest of each bucket") {
  Registry registry(MakeProducer(1));
  const uint32_t row = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kHistogram, "h"), 0)), {});
  Exemplar exemplar;
  for (const auto& [value, time] : {std::pair(5.0, 10), std::pair(6.0, 12), std::pair(7.0, 11), std::pair(0.5, 1)}) {
    exemplar.value = value;
    exemplar.unix_ms = static_cast<uint64_t>(time);
    CHECK(registry.Record(row, exemplar) == Error::kOk);
  }
  const Totals totals(TakeFrames(registry));
  const std::vector<Exemplar>& list = FindPoint(totals.store(), "h")->exemplars.list();
  REQUIRE(list.size() == 2);
  CHECK(list[0].value == 0.5);
  CHECK(list[1].value == 6);
  CHECK(FindPoint(totals.store(), "h")->Count() == 4);
  CHECK(registry.Record(row, 1) == Error::kOk);
  const Totals later(TakeFrames(registry));
  CHECK(FindPoint(later.store(), "h")->exemplars.list().empty());
}

TEST_CASE("The deltas of any flushes add up to one flush of everything") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    // The same work twice: flushed now and then, and once at the end.
    Dice often_dice(seed);
    Dice once_dice(seed);
    SampleProducer often(1, often_dice);
    SampleProducer once(1, once_dice);
    Totals deltas({});
    for (int round = 0; round < 10; ++round) {
      often.Work(30);
      once.Work(30);
      deltas.Add(TakeFrames(often.registry));
    }
    Totals whole(TakeFrames(once.registry));
    Snapshot from_deltas;
    Snapshot from_whole;
    CHECK(from_deltas.Merge(SnapshotBytes(deltas.aggregator)) == Error::kOk);
    CHECK(from_whole.Merge(SnapshotBytes(whole.aggregator)) == Error::kOk);
    // Each delta of an exponential histogram keeps at least the resolution the whole has.
    CHECK(from_deltas.store().series().size() == from_whole.store().series().size());
    for (const Series& series : from_whole.store().series()) {
      const Declaration& declaration = from_whole.store().DeclarationOf(series);
      const std::string_view labels = from_whole.store().LabelsOf(series);
      for (const Series& other : from_deltas.store().series()) {
        if (from_deltas.store().DeclarationOf(other).name != declaration.name) continue;
        if (from_deltas.store().LabelsOf(other) != labels) continue;
        CHECK(other.point.Count() == series.point.Count());
        CHECK(other.point.counts == series.point.counts);
        CHECK(other.point.value == series.point.value);
        CHECK(other.point.sum.ToDouble() == doctest::Approx(series.point.sum.ToDouble()).epsilon(1e-12));
        CHECK(other.point.exemplars.list() == series.point.exemplars.list());
        if (series.point.exponential) CHECK(*other.point.exponential == *series.point.exponential);
      }
    }
  }
}

// ---- constant labels ----

using Labels = std::map<std::string, std::string>;

std::string Encoded(const std::vector<std::pair<std::string, std::string>>& labels) {
  ByteWriter writer;
  for (const auto& [key, value] : labels) {
    writer.Bytes(key);
    writer.Bytes(value);
  }
  return std::string(writer.view());
}

// As a host encodes them.
std::string Constants(std::vector<std::pair<std::string, std::string>> labels) {
  labels.insert(labels.begin(), {"otel_metric_overflow", ""});
  return Encoded(labels);
}

// The labels of each series of a family that are set, by the value of the series.
std::map<double, Labels> ByValue(const Store& store, std::string_view name) {
  std::map<double, Labels> found;
  for (const Series& series : store.series()) {
    if (store.DeclarationOf(series).name != name) continue;
    Labels labels;
    LabelIterator iterator(store.DeclarationOf(series).label_keys, store.LabelsOf(series));
    for (std::string_view key, value; iterator.Next(key, value);) labels.emplace(key, value);
    CHECK(found.emplace(series.point.sum.ToDouble(), labels).second);
  }
  return found;
}

TEST_CASE("Constant labels are on every series: with labels, without, and of what overflows") {
  Registry registry(MakeProducer(1));
  REQUIRE(registry.SetConstantLabels(Constants({{"service", "shop"}, {"a", "1"}})) == Error::kOk);
  const uint32_t plain = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "plain"), 0));
  const uint32_t labelled = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "labelled", {"z", "b"}), 1));
  CHECK(registry.Record(Bind(registry, plain, {}), 1) == Error::kOk);
  CHECK(registry.Record(Bind(registry, labelled, {"the z", ""}), 2) == Error::kOk);
  CHECK(registry.Record(Bind(registry, labelled, {"x", "y"}), 3) == Error::kOk);
  const Totals totals(TakeFrames(registry));
  CHECK(ByValue(totals.store(), "plain") == std::map<double, Labels>{{1, {{"a", "1"}, {"service", "shop"}}}});
  CHECK(ByValue(totals.store(), "labelled") ==
        std::map<double, Labels>{{2, {{"a", "1"}, {"service", "shop"}, {"z", "the z"}}},
                                 {3, {{"a", "1"}, {"service", "shop"}, {"otel_metric_overflow", "true"}}}});
}

TEST_CASE("Without the overflow label among them, overflow series have only the mark of the format") {
  Registry registry(MakeProducer(1));
  REQUIRE(registry.SetConstantLabels(Encoded({{"service", "shop"}})) == Error::kOk);
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"x"}), 1));
  CHECK(registry.Record(Bind(registry, family, {"1"}), 1) == Error::kOk);
  CHECK(registry.Record(Bind(registry, family, {"2"}), 2) == Error::kOk);
  CHECK(ByValue(Totals(TakeFrames(registry)).store(), "c") ==
        std::map<double, Labels>{{1, {{"service", "shop"}, {"x", "1"}}}, {2, {{"otel_metric_overflow", "true"}}}});
}

TEST_CASE("A label of a family wins over a constant one that expositions show alike") {
  for (const auto& [own, constant] : std::vector<std::pair<std::string, std::string>>{
           {"service", "service"}, {"a.b", "a_b"}, {"a\xC3\xB6", "a_"}, {"1x", "_x"}, {"_x", "1x"}}) {
    CAPTURE(own);
    Registry registry(MakeProducer(1));
    REQUIRE(registry.SetConstantLabels(Constants({{constant, "constant"}, {"q", "kept"}})) == Error::kOk);
    const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {own, "x"}), 1));
    CHECK(registry.Record(Bind(registry, family, {"own", "1"}), 1) == Error::kOk);
    CHECK(registry.Record(Bind(registry, family, {"own", "2"}), 2) == Error::kOk);
    CHECK(ByValue(Totals(TakeFrames(registry)).store(), "c") ==
          std::map<double, Labels>{{1, {{own, "own"}, {"q", "kept"}, {"x", "1"}}},
                                   {2, {{"q", "kept"}, {"otel_metric_overflow", "true"}}}});
  }
  // These are shown differently.
  Registry registry(MakeProducer(1));
  REQUIRE(registry.SetConstantLabels(Constants({{"Service", "a"}, {"service_", "b"}, {"x1", "c"}})) == Error::kOk);
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"service", "x2"}), 0));
  CHECK(registry.Record(Bind(registry, family, {"own", "d"}), 1) == Error::kOk);
  CHECK(ByValue(Totals(TakeFrames(registry)).store(), "c").at(1).size() == 5);
}

TEST_CASE("Of constant labels that are shown alike a series has the first one") {
  Registry registry(MakeProducer(1));
  REQUIRE(registry.SetConstantLabels(Constants({{"a.b", "1"}, {"a_b", "2"}, {"a.b", "3"}})) == Error::kOk);
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0));
  CHECK(registry.Record(Bind(registry, family, {}), 1) == Error::kOk);
  CHECK(ByValue(Totals(TakeFrames(registry)).store(), "c") == std::map<double, Labels>{{1, {{"a.b", "1"}}}});
}

TEST_CASE("A family that has the overflow label itself keeps it") {
  Registry registry(MakeProducer(1));
  REQUIRE(registry.SetConstantLabels(Constants({{"service", "shop"}})) == Error::kOk);
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"otel.metric.overflow"}), 1));
  CHECK(registry.Record(Bind(registry, family, {"own"}), 1) == Error::kOk);
  CHECK(registry.Record(Bind(registry, family, {"more"}), 2) == Error::kOk);
  CHECK(ByValue(Totals(TakeFrames(registry)).store(), "c") ==
        std::map<double, Labels>{{1, {{"otel.metric.overflow", "own"}, {"service", "shop"}}},
                                 {2, {{"otel_metric_overflow", "true"}}}});
}

TEST_CASE("Constant labels that exceed the limit of labels are left out, and no label of the family is") {
  for (size_t own = kMaxLabels - 4; own <= kMaxLabels; ++own) {
    CAPTURE(own);
    Registry registry(MakeProducer(1));
    REQUIRE(registry.SetConstantLabels(Constants({{"s1", "1"}, {"s2", "2"}})) == Error::kOk);
    std::vector<std::string> keys;
    for (size_t i = 0; i < own; ++i) keys.push_back(Numbered("l", i));
    const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", keys), 1));
    CHECK(registry.Record(Bind(registry, family, std::vector<std::string_view>(own, "v")), 1) == Error::kOk);
    CHECK(registry.Record(Bind(registry, family, std::vector<std::string_view>(own, "w")), 2) == Error::kOk);
    const std::map<double, Labels> found = ByValue(Totals(TakeFrames(registry)).store(), "c");
    const size_t room = kMaxLabels - own;
    const size_t constants = room == 0 ? 0 : std::min<size_t>(room - 1, 2);
    CHECK(found.at(1).size() == own + constants);
    CHECK(found.at(2).size() == 1 + constants);
    CHECK(found.at(2).at("otel_metric_overflow") == "true");
  }
}

TEST_CASE("A label set that is too long with the constant labels goes to the overflow series, and is counted") {
  // An encoded value of 4,096 bytes, with both lengths of two bytes and an empty value for the overflow label.
  const std::string constant(1'000, 'c');
  for (const size_t over : {size_t{0}, size_t{1}}) {
    CAPTURE(over);
    Registry registry(MakeProducer(1));
    const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"x"}), 0));
    const std::string value(kMaxLabelBytes - 2 - 2 - constant.size() - 1 + over, 'v');
    const uint32_t row = Bind(registry, family, {value});
    CHECK(registry.Record(row, 1) == Error::kOk);
    REQUIRE(registry.SetConstantLabels(Constants({{"service", constant}})) == Error::kOk);
    const Labels expected = over == 0 ? Labels{{"service", constant}, {"x", value}}
                                      : Labels{{"service", constant}, {"otel_metric_overflow", "true"}};
    CHECK(ByValue(Totals(TakeFrames(registry)).store(), "c") == std::map<double, Labels>{{1, expected}});
    CHECK(registry.label_sets_overflowed() == over);
  }
}

TEST_CASE("Several label sets that are too long are one overflow series, and none is lost") {
  Registry registry(MakeProducer(1));
  REQUIRE(registry.SetConstantLabels(Constants({{"service", std::string(2'000, 'c')}})) == Error::kOk);
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"x"}), 3));
  for (uint64_t i = 0; i < 5; ++i) {
    CHECK(registry.Record(Bind(registry, family, {Numbered(std::string(3'000, 'v'), i)}), 1) == Error::kOk);
  }
  const std::map<double, Labels> found = ByValue(Totals(TakeFrames(registry)).store(), "c");
  REQUIRE(found.size() == 1);
  CHECK(found.count(5) == 1);
}

TEST_CASE("Constant labels are checked, and an error changes nothing") {
  Registry registry(MakeProducer(1));
  REQUIRE(registry.SetConstantLabels(Constants({{"service", "shop"}})) == Error::kOk);
  for (const char* name : {"", "le", "__a", "a\n", "\xff"}) {
    CAPTURE(name);
    CHECK(registry.SetConstantLabels(Constants({{"a", "1"}, {name, "2"}})) == Error::kInvalidLabelName);
  }
  CHECK(registry.SetConstantLabels(Constants({{std::string(kMaxMetricNameBytes + 1, 'n'), "2"}})) ==
        Error::kInvalidLabelName);
  CHECK(registry.SetConstantLabels(Constants({{"a", "\xff"}})) == Error::kInvalidUtf8);
  const size_t taken = Constants({{"a", std::string(200, 'v')}}).size() - 200;
  CHECK(registry.SetConstantLabels(Constants({{"a", std::string(kMaxConstantLabelBytes + 1 - taken, 'v')}})) ==
        Error::kLimitReached);
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0));
  CHECK(registry.Record(Bind(registry, family, {}), 1) == Error::kOk);
  CHECK(ByValue(Totals(TakeFrames(registry)).store(), "c") == std::map<double, Labels>{{1, {{"service", "shop"}}}});
  CHECK(registry.SetConstantLabels(Constants({{"a", std::string(kMaxConstantLabelBytes - taken, 'v')}})) == Error::kOk);
  CHECK(registry.SetConstantLabels("") == Error::kOk);
  CHECK(registry.Record(Bind(registry, family, {}), 2) == Error::kOk);
  CHECK(ByValue(Totals(TakeFrames(registry)).store(), "c") == std::map<double, Labels>{{2, {}}});
}

TEST_CASE("Constant labels cut off anywhere are refused or name labels that frames can have") {
  const std::string whole = Constants({{"service", "shop"}, {"version", std::string(200, 'v')}});
  for (size_t size = 0; size <= whole.size(); ++size) {
    CAPTURE(size);
    Registry registry(MakeProducer(1));
    const Error error = registry.SetConstantLabels(std::string_view(whole).substr(0, size));
    CHECK((error == Error::kOk || error == Error::kInvalidLabelName));
    const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kHistogram, "h", {"x"}), 0));
    CHECK(registry.Record(Bind(registry, family, {"1"}), 1) == Error::kOk);
    CHECK(Totals(TakeFrames(registry)).store().series().size() == 1);
  }
}

TEST_CASE("Constant labels change no value of any kind, and a frame with them is split in the same way") {
  const std::vector<std::pair<std::string, std::string>> constants{{"service", "shop"}, {"version", "7"}};
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Dice with_dice(seed);
    Dice without_dice(seed);
    SampleProducer with(1, with_dice);
    SampleProducer without(1, without_dice);
    REQUIRE(with.registry.SetConstantLabels(Constants(constants)) == Error::kOk);
    with.Work(300);
    without.Work(300);
    Totals labelled(TakeFrames(with.registry));
    Totals plain(TakeFrames(without.registry));
    REQUIRE(labelled.store().series().size() == plain.store().series().size());
    const auto sorted = [](const Store& store, size_t added) {
      std::multimap<std::string, std::string> points;
      for (const Series& series : store.series()) {
        const Declaration& declaration = store.DeclarationOf(series);
        std::string labels = declaration.name;
        size_t found = 0;
        LabelIterator iterator(declaration.label_keys, store.LabelsOf(series));
        for (std::string_view key, value; iterator.Next(key, value);) {
          if (key == "service" || key == "version") {
            ++found;
          } else {
            labels.append(" ").append(key).append("=").append(value);
          }
        }
        CHECK(found == added);
        ByteWriter point;
        WritePoint(series.point, declaration, point);
        points.emplace(labels, point.view());
      }
      return points;
    };
    CHECK(sorted(labelled.store(), 2) == sorted(plain.store(), 0));
  }
}

TEST_CASE("A delta with constant labels is split into frames that each stand alone") {
  Registry registry(MakeProducer(1));
  REQUIRE(registry.SetConstantLabels(Constants({{"service", std::string(100, 's')}})) == Error::kOk);
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"x"}), 0));
  for (uint64_t i = 0; i < 2'000; ++i)
    CHECK(registry.Record(Bind(registry, family, {Numbered("v", i)}), 1) == Error::kOk);
  const std::vector<std::string> frames = TakeFrames(registry);
  CHECK(frames.size() >= 2);
  for (const std::string& frame : frames) {
    CHECK(frame.size() <= kMaxFrameBytes);
    const Totals alone({frame});
    for (const Series& series : alone.store().series()) {
      CHECK(alone.store().LabelsOf(series).find(std::string(100, 's')) != std::string_view::npos);
    }
  }
  CHECK(Totals(frames).store().series().size() == 2'000);
}

}  // namespace
}  // namespace isotel::metrics

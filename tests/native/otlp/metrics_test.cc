#include "otlp/metrics.h"

#include <doctest/doctest.h>

#include <memory>

#include "../metrics/metrics_double.h"
#include "batch_builder.h"
#include "otlp/metric_delta.h"

namespace isotel::otlp {
namespace {

using metrics::Aggregator;
using metrics::Bind;
using metrics::Declaration;
using metrics::Exemplar;
using metrics::Kind;
using metrics::MakeDeclaration;
using metrics::MakeProducer;
using metrics::Must;
using metrics::Registry;
using metrics::Snapshot;

// One producer and the totals it feeds.
struct World {
  Registry registry{MakeProducer(1)};
  Aggregator totals{{.producer_retention_ms = 1'000'000, .gauge_expiry_ms = 1'000'000}};

  World() { REQUIRE(totals.FinishLoad() == Error::kOk); }

  void TakeSnapshot(double now, Snapshot& snapshot) {
    for (const std::string& frame : metrics::TakeFrames(registry, now)) REQUIRE(totals.Apply(frame, now).ok());
    REQUIRE(snapshot.Merge(metrics::SnapshotBytes(totals, now)) == Error::kOk);
  }
};

Json MetricsOf(const Snapshot& snapshot, Temporality temporality = Temporality::kCumulative,
               const Snapshot* before = nullptr) {
  BatchBuilder head;
  head.Head();
  const std::vector<uint64_t> bytes = head.Bytes();
  const auto encode = [&](Format format) {
    BatchReader reader(reinterpret_cast<const char*>(bytes.data()), head.Sizes());
    ByteWriter out;
    Snapshot taken;
    if (before != nullptr) RecordExported(*before, 0, UINT32_MAX, taken);
    const Encoded encoded =
        EncodeMetrics(reader, snapshot, {.format = format, .temporality = temporality, .before = &taken}, out).request;
    REQUIRE(encoded.error == Error::kOk);
    return std::string(out.view().substr(encoded.start, encoded.size));
  };
  Json json = Json::parse(encode(Format::kJson));
  Json scope = json["resourceMetrics"][0]["scopeMetrics"][0];
  CHECK(scope["scope"] == Json{{"name", "test"}});
  Json& written = json["resourceMetrics"][0]["scopeMetrics"][0];
  if (written["metrics"].empty()) written.erase("metrics");
  CHECK(json == ReadMessage("MetricsRequest", encode(Format::kProtobuf)));
  return scope["metrics"];
}

// The only point of the metric `name`.
Json PointOf(const Json& metrics, std::string_view name, std::string_view data) {
  for (const Json& metric : metrics) {
    if (metric["name"] == name) {
      REQUIRE(metric[data]["dataPoints"].size() == 1);
      return metric[data]["dataPoints"][0];
    }
  }
  return {};
}

TEST_CASE("a counter is a monotonic sum with its start time, labels and exemplar") {
  World world;
  Declaration declaration = MakeDeclaration(Kind::kCounter, "shop_orders", {"plan", "region"});
  declaration.help = "Orders placed.";
  declaration.unit = "{order}";
  const uint32_t family = Must(world.registry.Declare(declaration, 0));
  const uint32_t row = Bind(world.registry, family, {"pro", ""}, 1'000);
  Exemplar exemplar{.value = 2.5, .unix_ms = 1'500, .trace_id = {1, 2, 3}, .span_id = {9}};
  REQUIRE(world.registry.Record(row, exemplar) == Error::kOk);
  Snapshot snapshot;
  world.TakeSnapshot(2'000, snapshot);
  CHECK(MetricsOf(snapshot) == Json::parse(R"([{
    "name": "shop_orders", "description": "Orders placed.", "unit": "{order}",
    "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{
      "startTimeUnixNano": "1000000000", "timeUnixNano": "2000000000", "asDouble": 2.5,
      "attributes": [{"key": "plan", "value": {"stringValue": "pro"}}],
      "exemplars": [{"timeUnixNano": "1500000000", "asDouble": 2.5, "traceId": "01020300000000000000000000000000",
                     "spanId": "0900000000000000"}]}]}}])"));
}

TEST_CASE("a counter past what a double counts exactly is the integer it is") {
  World world;
  const uint32_t row = Bind(world.registry, Must(world.registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {});
  REQUIRE(world.registry.Record(row, 9007199254740992.0) == Error::kOk);
  Snapshot exact;
  world.TakeSnapshot(2'000, exact);
  CHECK(PointOf(MetricsOf(exact), "c", "sum")["asDouble"] == 9007199254740992.0);
  REQUIRE(world.registry.Record(row, 1) == Error::kOk);
  Snapshot past;
  world.TakeSnapshot(3'000, past);
  CHECK(PointOf(MetricsOf(past), "c", "sum")["asInt"] == "9007199254740993");
  CHECK(PointOf(MetricsOf(past, Temporality::kDelta, &exact), "c", "sum")["asDouble"] == 1);
}

TEST_CASE("gauges of every kind are gauges") {
  World world;
  for (const auto& [kind, name] :
       {std::pair{Kind::kGaugeSum, "sum"}, {Kind::kGaugeMin, "min"}, {Kind::kGaugeLast, "last"}}) {
    const uint32_t row = Bind(world.registry, Must(world.registry.Declare(MakeDeclaration(kind, name), 0)), {});
    REQUIRE(world.registry.Record(row, -3.5) == Error::kOk);
  }
  Snapshot snapshot;
  world.TakeSnapshot(2'000, snapshot);
  const Json metrics = MetricsOf(snapshot, Temporality::kDelta, &snapshot);
  CHECK(metrics.size() == 3);
  for (const char* name : {"sum", "min", "last"}) {
    CHECK(PointOf(metrics, name, "gauge") == Json{{"timeUnixNano", "2000000000"}, {"asDouble", -3.5}});
  }
}

TEST_CASE("an explicit histogram keeps its bounds and gives what each bucket has, not a running sum") {
  World world;
  const uint32_t row =
      Bind(world.registry, Must(world.registry.Declare(MakeDeclaration(Kind::kHistogram, "h"), 0)), {}, 500);
  for (const double value : {0.5, 1.0, 50.0, 1e6}) REQUIRE(world.registry.Record(row, value) == Error::kOk);
  Snapshot snapshot;
  world.TakeSnapshot(2'000, snapshot);
  CHECK(PointOf(MetricsOf(snapshot), "h", "histogram") == Json::parse(R"({
    "startTimeUnixNano": "500000000", "timeUnixNano": "2000000000", "count": "4", "sum": 1000051.5,
    "bucketCounts": ["2", "0", "1", "1"], "explicitBounds": [1, 10, 100]})"));
}

TEST_CASE("an exponential histogram numbers its buckets one less than Prometheus does") {
  World world;
  Declaration declaration = MakeDeclaration(Kind::kExponentialHistogram, "e");
  declaration.schema = 0;
  const uint32_t row = Bind(world.registry, Must(world.registry.Declare(declaration, 0)), {});
  // (0.25, 0.5], (1, 2], (2, 4] and -(1, 2].
  for (const double value : {0.5, 2.0, 3.0, 3.5, -1.5, 0.0}) REQUIRE(world.registry.Record(row, value) == Error::kOk);
  Snapshot snapshot;
  world.TakeSnapshot(2'000, snapshot);
  const Json point = PointOf(MetricsOf(snapshot), "e", "exponentialHistogram");
  CHECK(point["count"] == "6");
  CHECK(point["zeroCount"] == "1");
  CHECK_FALSE(point.contains("scale"));
  CHECK(point["zeroThreshold"] == 0x1p-128);
  CHECK(point["positive"] == Json::parse(R"({"offset": -2, "bucketCounts": ["1", "0", "1", "2"]})"));
  // Bucket 0 is (1, 2].
  CHECK(point["negative"] == Json::parse(R"({"bucketCounts": ["1"]})"));
}

TEST_CASE("the series past the label-set cap has OpenTelemetry's attribute") {
  World world;
  const uint32_t family = Must(world.registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"k"}), 1));
  for (const std::string_view value : {"a", "b"}) {
    REQUIRE(world.registry.Record(Bind(world.registry, family, {value}), 1) == Error::kOk);
  }
  Snapshot snapshot;
  world.TakeSnapshot(2'000, snapshot);
  const Json points = MetricsOf(snapshot)[0]["sum"]["dataPoints"];
  REQUIRE(points.size() == 2);
  CHECK(points[0]["attributes"] == Json::parse(R"([{"key": "otel.metric.overflow", "value": {"boolValue": true}}])"));
  CHECK(points[1]["attributes"] == Json::parse(R"([{"key": "k", "value": {"stringValue": "a"}}])"));
}

TEST_CASE("a delta is what came since: of new series everything, of old ones the difference, of idle ones nothing") {
  World world;
  const uint32_t family = Must(world.registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"k"}), 0));
  const uint32_t histogram =
      Bind(world.registry, Must(world.registry.Declare(MakeDeclaration(Kind::kHistogram, "h"), 0)), {});
  Declaration exponential = MakeDeclaration(Kind::kExponentialHistogram, "e");
  exponential.max_buckets = 4;
  const uint32_t row = Bind(world.registry, Must(world.registry.Declare(exponential, 0)), {});
  const uint32_t a = Bind(world.registry, family, {"a"});
  const uint32_t b = Bind(world.registry, family, {"b"});
  for (const uint32_t each : {a, b, histogram, row}) REQUIRE(world.registry.Record(each, 2) == Error::kOk);
  Snapshot before;
  world.TakeSnapshot(2'000, before);

  const Json all = MetricsOf(before, Temporality::kDelta);
  CHECK(PointOf(all, "h", "histogram")["startTimeUnixNano"] == "1000000000");
  CHECK(MetricsOf(before, Temporality::kDelta, &before).empty());

  const uint32_t c = Bind(world.registry, family, {"c"}, 2'500);
  Exemplar exemplar{.value = 5, .unix_ms = 2'600, .trace_id = {1}, .span_id = {1}};
  REQUIRE(world.registry.Record(a, exemplar) == Error::kOk);
  REQUIRE(world.registry.Record(c, 7) == Error::kOk);
  REQUIRE(world.registry.Record(histogram, 20) == Error::kOk);
  // Coarser than it was.
  REQUIRE(world.registry.Record(row, 1e9) == Error::kOk);
  Snapshot after;
  world.TakeSnapshot(3'000, after);
  const Json delta = MetricsOf(after, Temporality::kDelta, &before);
  CHECK(delta.size() == 3);
  Json sum;
  for (const Json& metric : delta) {
    if (metric["name"] == "c") sum = metric["sum"];
  }
  CHECK(sum["aggregationTemporality"] == 1);
  REQUIRE(sum["dataPoints"].size() == 2);
  CHECK(sum["dataPoints"][0]["asDouble"] == 5);
  CHECK(sum["dataPoints"][0]["startTimeUnixNano"] == "2000000000");
  CHECK(sum["dataPoints"][0]["exemplars"].size() == 1);
  CHECK(sum["dataPoints"][1]["asDouble"] == 7);
  CHECK(sum["dataPoints"][1]["startTimeUnixNano"] == "2500000000");
  const Json counts = PointOf(delta, "h", "histogram");
  CHECK(counts["bucketCounts"] == Json::parse(R"(["0", "0", "1", "0"])"));
  CHECK(counts["count"] == "1");
  CHECK(counts["sum"] == 20);
  const Json coarse = PointOf(delta, "e", "exponentialHistogram");
  CHECK(coarse["count"] == "1");
  CHECK(coarse["sum"] == 1e9);
  uint64_t in_buckets = 0;
  for (const Json& count : coarse["positive"]["bucketCounts"]) in_buckets += std::stoull(count.get<std::string>());
  CHECK(in_buckets == 1);
  CHECK(MetricsOf(after, Temporality::kDelta, &after).empty());
}

TEST_CASE("an exemplar is in one delta, also when it is as old as the snapshot") {
  World world;
  const uint32_t row = Bind(world.registry, Must(world.registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {});
  const Exemplar exemplar{.value = 5, .unix_ms = 2'000, .trace_id = {1}, .span_id = {1}};
  REQUIRE(world.registry.Record(row, exemplar) == Error::kOk);
  Snapshot first;
  world.TakeSnapshot(2'000, first);
  CHECK(PointOf(MetricsOf(first, Temporality::kDelta), "c", "sum")["exemplars"].size() == 1);
  REQUIRE(world.registry.Record(row, 7) == Error::kOk);
  Snapshot second;
  world.TakeSnapshot(3'000, second);
  const Json point = PointOf(MetricsOf(second, Temporality::kDelta, &first), "c", "sum");
  CHECK(point["asDouble"] == 7);
  CHECK_FALSE(point.contains("exemplars"));
}

TEST_CASE("a series that went back is new, whole, since it began") {
  World old_world;
  World new_world;
  for (World* world : {&old_world, &new_world}) {
    const double value = world == &old_world ? 100 : 3;
    for (const Kind kind : {Kind::kCounter, Kind::kHistogram, Kind::kExponentialHistogram}) {
      const uint32_t family =
          Must(world->registry.Declare(MakeDeclaration(kind, std::string(metrics::Info(kind).text)), 0));
      const uint32_t row = Bind(world->registry, family, {}, world == &old_world ? 1'000 : 2'500);
      for (int i = 0; i < (world == &old_world ? 10 : 1); ++i)
        REQUIRE(world->registry.Record(row, value) == Error::kOk);
    }
  }
  Snapshot before;
  old_world.TakeSnapshot(2'000, before);
  Snapshot after;
  new_world.TakeSnapshot(3'000, after);
  const Json delta = MetricsOf(after, Temporality::kDelta, &before);
  REQUIRE(delta.size() == 3);
  CHECK(PointOf(delta, "counter", "sum")["asDouble"] == 3);
  CHECK(PointOf(delta, "counter", "sum")["startTimeUnixNano"] == "2500000000");
  CHECK(PointOf(delta, "histogram", "histogram")["count"] == "1");
  CHECK(PointOf(delta, "exponential_histogram", "exponentialHistogram")["count"] == "1");
}

// The values of the counter "c" in one request, and what comes after it.
struct Part {
  std::vector<double> values;
  std::vector<std::string> starts;
  size_t size = 0;
  uint32_t next = 0;
  uint32_t points = 0;
};

Part PartOf(const Snapshot& snapshot, const MetricsOptions& options) {
  BatchBuilder head;
  head.Head();
  const std::vector<uint64_t> bytes = head.Bytes();
  BatchReader reader(reinterpret_cast<const char*>(bytes.data()), head.Sizes());
  ByteWriter out;
  const EncodedMetrics encoded = EncodeMetrics(reader, snapshot, options, out);
  REQUIRE(encoded.request.error == Error::kOk);
  const Json request =
      ReadMessage("MetricsRequest", std::string(out.view().substr(encoded.request.start, encoded.request.size)));
  Part part;
  part.size = encoded.request.size;
  part.next = encoded.next;
  part.points = encoded.points;
  for (const Json& metric : request["resourceMetrics"][0]["scopeMetrics"][0].value("metrics", Json::array())) {
    for (const Json& point : metric["sum"]["dataPoints"]) {
      part.values.push_back(point["asDouble"]);
      part.starts.push_back(point["startTimeUnixNano"]);
    }
  }
  return part;
}

TEST_CASE("a snapshot in parts has every series in one of them, and no part goes on past enough") {
  World world;
  const uint32_t family = Must(world.registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"k"}), 0));
  constexpr uint32_t kSeries = 100;
  for (uint32_t i = 0; i < kSeries; ++i) {
    REQUIRE(world.registry.Record(Bind(world.registry, family, {metrics::Numbered("s", i)}), i + 1) == Error::kOk);
  }
  Snapshot snapshot;
  world.TakeSnapshot(2'000, snapshot);
  const size_t one = PartOf(snapshot, {.end = 1}).size;
  for (const size_t enough : {size_t{1}, size_t{500}, size_t{1'000}, size_t{1'000'000}}) {
    double sum = 0;
    uint32_t points = 0;
    uint32_t next = 0;
    while (next < kSeries) {
      const Part part = PartOf(snapshot, {.first = next, .enough_bytes = enough});
      REQUIRE(part.next > next);
      CHECK(part.points == part.next - next);
      CHECK(part.values.size() == part.points);
      // The last series is begun with room left; its name may be longer than the first one's.
      CHECK(part.size < enough + one + 8);
      for (const double value : part.values) sum += value;
      points += part.points;
      next = part.next;
    }
    CHECK(next == kSeries);
    CHECK(points == kSeries);
    CHECK(sum == 5'050);
  }
  const Part range = PartOf(snapshot, {.first = 10, .end = 20});
  CHECK(range.points == 10);
  CHECK(range.next == 20);
  CHECK(PartOf(snapshot, {.first = 1'000}).points == 0);
}

TEST_CASE("what was taken of a snapshot is left out of the next delta, the rest is in it since it was taken last") {
  World world;
  const uint32_t family = Must(world.registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"k"}), 0));
  const uint32_t rows[] = {Bind(world.registry, family, {"a"}, 1'000), Bind(world.registry, family, {"b"}, 1'000)};
  const auto record = [&](double value, double now, Snapshot& snapshot) {
    for (const uint32_t row : rows) REQUIRE(world.registry.Record(row, value) == Error::kOk);
    world.TakeSnapshot(now, snapshot);
  };
  Snapshot first;
  record(1, 2'000, first);
  Snapshot taken;
  RecordExported(first, 0, 1, taken);
  Snapshot second;
  record(10, 3'000, second);
  ByteWriter stored;
  taken.Write(stored);
  Snapshot read;
  REQUIRE(read.Merge(stored.view()) == Error::kOk);
  const MetricsOptions delta{.temporality = Temporality::kDelta, .before = &read};
  const Part part = PartOf(second, delta);
  CHECK(part.values == std::vector<double>{10, 11});
  CHECK(part.starts == std::vector<std::string>{"2000000000", "1000000000"});
  RecordExported(second, 0, UINT32_MAX, read);
  CHECK(PartOf(second, delta).points == 0);
  Snapshot third;
  record(100, 4'000, third);
  CHECK(PartOf(third, delta).starts == std::vector<std::string>{"3000000000", "3000000000"});
}

TEST_CASE("deltas of any snapshots, added up, are the totals") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    metrics::Dice dice(seed);
    World world;
    Declaration exponential = MakeDeclaration(Kind::kExponentialHistogram, "e");
    exponential.max_buckets = 8;
    const uint32_t rows[] = {
        Bind(world.registry, Must(world.registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {}),
        Bind(world.registry, Must(world.registry.Declare(MakeDeclaration(Kind::kHistogram, "h"), 0)), {}),
        Bind(world.registry, Must(world.registry.Declare(exponential, 0)), {}),
    };
    std::vector<std::unique_ptr<Snapshot>> snapshots;
    double sums[3] = {};
    uint64_t counts[3] = {};
    for (int step = 0; step < 6; ++step) {
      for (int i = 0; i < step; ++i) {
        for (const uint32_t row : rows) {
          REQUIRE(world.registry.Record(row, static_cast<double>(dice.Below(1'000)) / 8) == Error::kOk);
        }
      }
      snapshots.push_back(std::make_unique<Snapshot>());
      world.TakeSnapshot(2'000 + 1'000 * step, *snapshots.back());
      const Json delta = MetricsOf(*snapshots.back(), Temporality::kDelta,
                                   step == 0 ? nullptr : snapshots[snapshots.size() - 2].get());
      const Json points[] = {PointOf(delta, "c", "sum"), PointOf(delta, "h", "histogram"),
                             PointOf(delta, "e", "exponentialHistogram")};
      for (size_t i = 0; i < 3; ++i) {
        if (points[i].is_null()) continue;
        sums[i] += points[i].value(i == 0 ? "asDouble" : "sum", 0.0);
        if (i > 0) counts[i] += std::stoull(points[i].value("count", "0"));
      }
    }
    const Json total = MetricsOf(*snapshots.back());
    CHECK(sums[0] == PointOf(total, "c", "sum")["asDouble"].get<double>());
    CHECK(sums[1] == PointOf(total, "h", "histogram")["sum"].get<double>());
    CHECK(sums[2] == PointOf(total, "e", "exponentialHistogram")["sum"].get<double>());
    CHECK(Json(std::to_string(counts[1])) == PointOf(total, "h", "histogram")["count"]);
    CHECK(Json(std::to_string(counts[2])) == PointOf(total, "e", "exponentialHistogram")["count"]);
  }
}

}  // namespace
}  // namespace isotel::otlp

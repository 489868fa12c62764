#include "exposition/exposition.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "../metrics/metrics_double.h"
#include "exposition/conflicts.h"
#include "exposition_validator.h"

namespace isotel::exposition {
namespace {

using metrics::Aggregator;
using metrics::AggregatorOptions;
using metrics::Bind;
using metrics::Declaration;
using metrics::Dice;
using metrics::Exemplar;
using metrics::Kind;
using metrics::MakeDeclaration;
using metrics::MakeProducer;
using metrics::Must;
using metrics::Registry;
using metrics::SampleProducer;
using metrics::Snapshot;
using metrics::TakeFrames;

constexpr uint64_t kExpiryMs = 60ULL * 86'400'000;

// Producers into one snapshot.
class Source {
 public:
  void Take(Registry& registry, double now = 2'000) {
    for (const std::string& frame : TakeFrames(registry, now)) REQUIRE(aggregator_.Apply(frame, now).ok());
  }
  // Removes what has expired, as the host of an aggregator does.
  void Expire(double now) {
    REQUIRE(aggregator_.ExpireSeries(now, nullptr, OldestVariants(aggregator_.store(), nullptr)).ok());
  }
  std::string Render(Format format, double now) { return Render(format, Escaping::kUnderscores, false, now); }
  std::string Render(Format format, Escaping escaping = Escaping::kUnderscores, bool self_metrics = false,
                     double now = 2'000) {
    Snapshot snapshot;
    REQUIRE(snapshot.Merge(metrics::SnapshotBytes(aggregator_, now)) == Error::kOk);
    ByteWriter writer;
    exposition::Render(snapshot, format, {.escaping = escaping, .self_metrics = self_metrics, .now_unix_ms = 3'500},
                       writer);
    return std::string(writer.view());
  }

 private:
  Aggregator aggregator_{AggregatorOptions{.series_expiry_ms = kExpiryMs}};
};

TEST_CASE("Text 0.0.4 of every kind") {
  Registry registry(MakeProducer(1));
  Declaration counter = MakeDeclaration(Kind::kCounter, "shop_orders", {"plan", "note"});
  counter.help = "Orders.\nBack\\slash.";
  const uint32_t orders = Must(registry.Declare(counter, 0));
  CHECK(registry.Record(Bind(registry, orders, {"pro", "a\"b\\c\nd"}), 3) == Error::kOk);
  CHECK(registry.Record(Bind(registry, orders, {"free", ""}), 0.25) == Error::kOk);
  Declaration gauge = MakeDeclaration(Kind::kGaugeLast, "heap");
  gauge.unit = "By";
  CHECK(registry.Record(Bind(registry, Must(registry.Declare(gauge, 0)), {}), -7) == Error::kOk);
  Declaration histogram = MakeDeclaration(Kind::kHistogram, "latency", {"route"});
  histogram.unit = "s";
  histogram.bounds = {0.5, 1, 2.5};
  const uint32_t row = Bind(registry, Must(registry.Declare(histogram, 0)), {"/"});
  for (const double value : {0.25, 1.0, 1.5, 99.0}) CHECK(registry.Record(row, value) == Error::kOk);
  Declaration exponential = MakeDeclaration(Kind::kExponentialHistogram, "size");
  const uint32_t size = Bind(registry, Must(registry.Declare(exponential, 0)), {});
  for (const double value : {0.0, 1.0, 1.5, 3.0, -3.0}) CHECK(registry.Record(size, value) == Error::kOk);

  Source source;
  source.Take(registry);
  const std::string text = source.Render(Format::kText);
  CHECK(text ==
        "# TYPE heap_bytes gauge\n"
        "heap_bytes -7\n"
        "# TYPE latency_seconds histogram\n"
        "latency_seconds_bucket{route=\"/\",le=\"0.5\"} 1\n"
        "latency_seconds_bucket{route=\"/\",le=\"1\"} 2\n"
        "latency_seconds_bucket{route=\"/\",le=\"2.5\"} 3\n"
        "latency_seconds_bucket{route=\"/\",le=\"+Inf\"} 4\n"
        "latency_seconds_sum{route=\"/\"} 101.75\n"
        "latency_seconds_count{route=\"/\"} 4\n"
        "# HELP shop_orders_total Orders.\\nBack\\\\slash.\n"
        "# TYPE shop_orders_total counter\n"
        "shop_orders_total{plan=\"free\"} 0.25\n"
        "shop_orders_total{note=\"a\\\"b\\\\c\\nd\",plan=\"pro\"} 3\n"
        "# TYPE size histogram\n"
        "size_bucket{le=\"-2\"} 1\n"
        "size_bucket{le=\"2.938735877055719e-39\"} 2\n"
        "size_bucket{le=\"1\"} 3\n"
        "size_bucket{le=\"2\"} 4\n"
        "size_bucket{le=\"4\"} 5\n"
        "size_bucket{le=\"+Inf\"} 5\n"
        "size_sum 2.5\n"
        "size_count 5\n");
  CHECK(ValidateText(text).error == "");
}

TEST_CASE("OpenMetrics has units, creation times, exemplars and an end") {
  Registry registry(MakeProducer(1));
  Declaration counter = MakeDeclaration(Kind::kCounter, "work_total", {"kind"});
  counter.unit = "s";
  counter.help = "Say \"work\".";
  const uint32_t work = Bind(registry, Must(registry.Declare(counter, 0)), {"a"}, 1'234'567);
  Exemplar exemplar;
  exemplar.value = 2;
  exemplar.unix_ms = 1'700'000'000'042;
  exemplar.trace_id = {0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36};
  exemplar.span_id = {0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7};
  CHECK(registry.Record(work, exemplar) == Error::kOk);
  Declaration histogram = MakeDeclaration(Kind::kHistogram, "latency");
  const uint32_t latency = Bind(registry, Must(registry.Declare(histogram, 0)), {}, 5'000);
  exemplar.value = 10;
  CHECK(registry.Record(latency, exemplar) == Error::kOk);
  exemplar.value = 1e6;
  exemplar.trace_id = {};
  CHECK(registry.Record(latency, exemplar) == Error::kOk);
  Source source;
  source.Take(registry, 1'234'999);
  const std::string text = source.Render(Format::kOpenMetrics);
  CHECK(
      text ==
      "# TYPE latency histogram\n"
      "latency_bucket{le=\"1.0\"} 0\n"
      "latency_bucket{le=\"10.0\"} 1 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\",span_id=\"00f067aa0ba902b7\"} "
      "10 1700000000.042\n"
      "latency_bucket{le=\"100.0\"} 1\n"
      "latency_bucket{le=\"+Inf\"} 2 # {} 1000000 1700000000.042\n"
      "latency_sum 1000010\n"
      "latency_count 2\n"
      "latency_created 5.000\n"
      "# TYPE work_seconds counter\n"
      "# UNIT work_seconds seconds\n"
      "# HELP work_seconds Say \\\"work\\\".\n"
      "work_seconds_total{kind=\"a\"} 2 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\",span_id=\"00f067aa0ba902b7\"} "
      "2 1700000000.042\n"
      "work_seconds_created{kind=\"a\"} 1234.567\n"
      "# EOF\n");
  CHECK(ValidateOpenMetrics(text).error == "");
}

TEST_CASE("UTF-8 names are quoted where the format allows it and escaped where it does not") {
  Registry registry(MakeProducer(1));
  Declaration histogram = MakeDeclaration(Kind::kHistogram, "gen_ai.client.duration", {"gen_ai.system", "plain"});
  histogram.bounds = {1};
  CHECK(registry.Record(Bind(registry, Must(registry.Declare(histogram, 0)), {"x", "y"}), 1) == Error::kOk);
  CHECK(registry.Record(Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kCounter, "a.b"), 0)), {}), 1) ==
        Error::kOk);
  Source source;
  source.Take(registry);
  const std::string quoted = source.Render(Format::kText1, Escaping::kUtf8);
  CHECK(quoted ==
        "# TYPE \"a.b_total\" counter\n"
        "{\"a.b_total\"} 1\n"
        "# TYPE \"gen_ai.client.duration\" histogram\n"
        "{\"gen_ai.client.duration_bucket\",\"gen_ai.system\"=\"x\",plain=\"y\",le=\"1\"} 1\n"
        "{\"gen_ai.client.duration_bucket\",\"gen_ai.system\"=\"x\",plain=\"y\",le=\"+Inf\"} 1\n"
        "{\"gen_ai.client.duration_sum\",\"gen_ai.system\"=\"x\",plain=\"y\"} 1\n"
        "{\"gen_ai.client.duration_count\",\"gen_ai.system\"=\"x\",plain=\"y\"} 1\n");
  CHECK(ValidateText(quoted, true).error == "");
  CHECK(ValidateOpenMetrics(source.Render(Format::kOpenMetrics, Escaping::kUtf8), true).error == "");
  for (const Escaping escaping : {Escaping::kUnderscores, Escaping::kDots, Escaping::kValues}) {
    CHECK(ValidateText(source.Render(Format::kText1, escaping)).error == "");
    CHECK(ValidateOpenMetrics(source.Render(Format::kOpenMetrics, escaping)).error == "");
  }
  // 0.0.4 has no quoting.
  CHECK(source.Render(Format::kText, Escaping::kUtf8) == source.Render(Format::kText));
  CHECK(ValidateText(source.Render(Format::kText, Escaping::kUtf8)).Find("a_b_total")->value == 1);
}

TEST_CASE("Label names that escape to the same are kept apart") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"a.b", "a_b", "a-b"}), 0));
  CHECK(registry.Record(Bind(registry, family, {"dot", "plain", "dash"}), 1) == Error::kOk);
  Source source;
  source.Take(registry);
  const Validated text = ValidateText(source.Render(Format::kText));
  CHECK(text.error == "");
  REQUIRE(text.samples.size() == 1);
  CHECK(text.samples[0].labels.size() == 3);
}

TEST_CASE("A label of a histogram gives way to the labels that expositions add") {
  for (const Kind kind : {Kind::kHistogram, Kind::kExponentialHistogram}) {
    Registry registry(MakeProducer(1));
    // Builds that did not refuse such names have stored them.
    const std::string le = kind == Kind::kHistogram ? "isotel_definition" : "le";
    const uint32_t family = Must(registry.Declare(MakeDeclaration(kind, "h", {le, "x"}), 0));
    CHECK(registry.Record(Bind(registry, family, {"mine", "1"}), 1) == Error::kOk);
    Source source;
    source.Take(registry);
    const Validated text = ValidateText(source.Render(Format::kText));
    CHECK(text.error == "");
    CHECK(text.Find("h_count", {{le + "_", "mine"}, {"x", "1"}})->value == 1);
  }
}

TEST_CASE("A metric that gets other labels stays one family, and equal series are added up") {
  Registry before(MakeProducer(1));
  Registry after(MakeProducer(2));
  const uint32_t one = Must(before.Declare(MakeDeclaration(Kind::kCounter, "c", {"x"}), 0));
  const uint32_t two = Must(after.Declare(MakeDeclaration(Kind::kCounter, "c", {"x", "y"}), 0));
  CHECK(before.Record(Bind(before, one, {"1"}), 1) == Error::kOk);
  CHECK(before.Record(Bind(before, one, {"2"}), 5) == Error::kOk);
  CHECK(after.Record(Bind(after, two, {"1", ""}), 10) == Error::kOk);
  CHECK(after.Record(Bind(after, two, {"1", "z"}), 100) == Error::kOk);
  Source source;
  source.Take(before);
  source.Take(after);
  const Validated text = ValidateText(source.Render(Format::kText));
  CHECK(text.error == "");
  CHECK(text.samples.size() == 3);
  CHECK(text.Find("c_total", {{"x", "1"}})->value == 11);
  CHECK(text.Find("c_total", {{"x", "2"}})->value == 5);
  CHECK(text.Find("c_total", {{"x", "1"}, {"y", "z"}})->value == 100);
}

TEST_CASE("Metrics of different names that are shown as one are told apart by a label") {
  Declaration first;
  Declaration second;
  std::string shown;
  SUBCASE("counters") {
    first = MakeDeclaration(Kind::kCounter, "a.b");
    second = MakeDeclaration(Kind::kCounter, "a_b_total");
    shown = "a_b_total";
  }
  SUBCASE("gauges") {
    first = MakeDeclaration(Kind::kGaugeSum, "g");
    first.unit = "s";
    second = MakeDeclaration(Kind::kGaugeLast, "g_seconds");
    shown = "g_seconds";
  }
  SUBCASE("histograms with equal buckets") {
    first = MakeDeclaration(Kind::kHistogram, "h.x");
    second = MakeDeclaration(Kind::kHistogram, "h_x");
    shown = "h_x_count";
  }
  Source source;
  uint64_t number = 0;
  for (const Declaration* const declaration : {&first, &second}) {
    Registry registry(MakeProducer(++number));
    const uint32_t row = Bind(registry, Must(registry.Declare(*declaration, 0)), {});
    for (uint64_t i = 0; i < 3 * number; ++i) CHECK(registry.Record(row, 1) == Error::kOk);
    source.Take(registry, 1'000'000 + static_cast<double>(number) * 50'000);
  }
  for (const Format format : {Format::kText, Format::kOpenMetrics}) {
    const std::string bytes = source.Render(format, 1'100'000);
    const Validated text = format == Format::kText ? ValidateText(bytes) : ValidateOpenMetrics(bytes);
    CHECK(text.error == "");
    CHECK(text.types.size() == 1);
    std::vector<const Sample*> samples;
    for (const Sample& sample : text.samples) {
      if (sample.name == shown) samples.push_back(&sample);
    }
    REQUIRE(samples.size() == 2);
    const bool is_gauge = second.kind == Kind::kGaugeLast;
    // The oldest has no label. Its value does not include those of the other.
    CHECK(samples[0]->labels.empty());
    CHECK(samples[0]->value == (is_gauge ? 1 : 3));
    CHECK(samples[1]->labels.count("isotel_definition") == 1);
    CHECK(samples[1]->value == (is_gauge ? 1 : 6));
  }
}

TEST_CASE("JSON names metrics that share a name in another format") {
  Source source;
  Registry registry(MakeProducer(1));
  for (const Declaration& declaration :
       {MakeDeclaration(Kind::kCounter, "a.b"), MakeDeclaration(Kind::kCounter, "a_b"),
        MakeDeclaration(Kind::kCounter, "alone"), MakeDeclaration(Kind::kHistogram, "h"),
        MakeDeclaration(Kind::kGaugeLast, "h_count"), MakeDeclaration(Kind::kGaugeLast, "h_counts")}) {
    CHECK(registry.Record(Bind(registry, Must(registry.Declare(declaration, 0)), {}), 1) == Error::kOk);
  }
  source.Take(registry, 600'000);
  const auto json = nlohmann::json::parse(source.Render(Format::kJson));
  std::map<std::string, bool> conflicts;
  for (const auto& family : json["families"]) {
    conflicts[family["declared_name"]] = family.contains("conflict");
    CHECK_FALSE(family.contains("superseded"));
    CHECK(family["since_unix_ms"] == 600'000);
    CHECK(family["written_unix_ms"] == 600'000);
  }
  const std::map<std::string, bool> expected = {{"a.b", true}, {"a_b", true},     {"alone", false},
                                                {"h", true},   {"h_count", true}, {"h_counts", false}};
  CHECK_MESSAGE(conflicts == expected, json.dump());
}

TEST_CASE("A series that expired is not shown") {
  Aggregator aggregator(AggregatorOptions{.series_expiry_ms = 1'000});
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"k"}), 0));
  for (const auto& [label, now] : {std::pair("old", 60'000.0), std::pair("new", 120'000.0)}) {
    CHECK(registry.Record(Bind(registry, family, {label}), 1) == Error::kOk);
    for (const std::string& frame : TakeFrames(registry, now)) REQUIRE(aggregator.Apply(frame, now).ok());
  }
  Snapshot snapshot;
  REQUIRE(snapshot.Merge(metrics::SnapshotBytes(aggregator, 120'000)) == Error::kOk);
  ByteWriter writer;
  exposition::Render(snapshot, Format::kText, {.now_unix_ms = 61'000}, writer);
  CHECK(writer.view() == "# TYPE c_total counter\nc_total{k=\"new\"} 1\nc_total{k=\"old\"} 1\n");
  exposition::Render(snapshot, Format::kText, {.now_unix_ms = 61'001}, writer);
  CHECK(writer.view() == "# TYPE c_total counter\nc_total{k=\"new\"} 1\n");
  exposition::Render(snapshot, Format::kText, {.now_unix_ms = 121'001}, writer);
  CHECK(writer.view().empty());
}

TEST_CASE("The bytes that a store counts are about those of an exposition") {
  Declaration histogram = MakeDeclaration(Kind::kHistogram, "http_request_duration", {"method", "route", "status"});
  histogram.unit = "s";
  histogram.bounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  Declaration exponential = MakeDeclaration(Kind::kExponentialHistogram, "tokens", {"method", "route", "status"});
  for (const Declaration& declaration :
       {histogram, exponential, MakeDeclaration(Kind::kCounter, "shop_orders", {"method", "route", "status"}),
        MakeDeclaration(Kind::kGaugeLast, "open_connections", {"method", "route", "status"})}) {
    CAPTURE(declaration.name);
    Aggregator aggregator{AggregatorOptions{}};
    Registry registry(MakeProducer(1));
    const uint32_t family = Must(registry.Declare(declaration, 0));
    for (uint64_t i = 0; i < 400; ++i) {
      const std::string route = metrics::Numbered("/api/v1/orders/", i);
      const uint32_t row = Bind(registry, family, {"GET", route, i % 2 == 0 ? "200" : ""});
      for (const double value : {0.004, 0.3, 7.0, 12.5, 900.0}) CHECK(registry.Record(row, value) == Error::kOk);
    }
    for (const std::string& frame : TakeFrames(registry)) REQUIRE(aggregator.Apply(frame, 2'000).ok());
    Snapshot snapshot;
    REQUIRE(snapshot.Merge(metrics::SnapshotBytes(aggregator)) == Error::kOk);
    ByteWriter writer;
    exposition::Render(snapshot, Format::kOpenMetrics, {.now_unix_ms = 2'000}, writer);
    const auto counted = static_cast<double>(aggregator.store().exposition_bytes());
    const auto shown = static_cast<double>(writer.size());
    CHECK(counted > 0.8 * shown);
    CHECK(counted < 1.25 * shown);
  }
}

// A deployment: an isolate that records one value of a declaration.
struct Deployed {
  Source& source;
  uint64_t isolates = 0;

  void Record(const Declaration& declaration, const std::vector<double>& values, double now) {
    Registry registry(MakeProducer(++isolates));
    const uint32_t family = Must(registry.Declare(declaration, 0));
    for (const double value : values) CHECK(registry.Record(Bind(registry, family, {}, now), value) == Error::kOk);
    source.Take(registry, now);
  }
};

Declaration WithBounds(std::vector<double> bounds) {
  Declaration histogram = MakeDeclaration(Kind::kHistogram, "h");
  histogram.bounds = std::move(bounds);
  return histogram;
}

TEST_CASE("A histogram whose bounds changed shows all counts, and the buckets of the newest bounds in use") {
  constexpr double kDeployed = 10'000'000;
  constexpr double kLater = kDeployed + 400'000;
  Source source;
  Deployed deployed{source};
  deployed.Record(WithBounds({0.1, 0.5, 1}), {0.3, 0.3, 2}, 1'000);
  CHECK(source.Render(Format::kText, kDeployed) ==
        "# TYPE h histogram\nh_bucket{le=\"0.1\"} 0\nh_bucket{le=\"0.5\"} 2\nh_bucket{le=\"1\"} 2\n"
        "h_bucket{le=\"+Inf\"} 3\nh_sum 2.6\nh_count 3\n");

  deployed.Record(WithBounds({0.05, 0.2, 2}), {0.3}, kDeployed);
  deployed.Record(WithBounds({0.1, 0.5, 1}), {0.05}, kDeployed + 1);
  const std::string both = source.Render(Format::kText, kDeployed + 2);
  CAPTURE(both);
  const Validated text = ValidateText(both);
  CHECK(text.error == "");
  CHECK(text.Find("h_count", {})->value == 4);
  CHECK(text.Find("h_bucket", {{"le", "0.5"}}) == nullptr);
  const std::string label = both.substr(both.find("isotel_definition=\"") + 19, 8);
  CHECK(text.Find("h_count", {{"isotel_definition", label}})->value == 1);
  CHECK(text.Find("h_bucket", {{"isotel_definition", label}, {"le", "0.2"}})->value == 0);
  CHECK(text.Find("h_bucket", {{"isotel_definition", label}, {"le", "2"}})->value == 1);

  // The rollback: the old bounds are the only ones in use, and their buckets have what was counted in the meantime.
  deployed.Record(WithBounds({0.1, 0.5, 1}), {0.7}, kLater);
  const Validated back = ValidateText(source.Render(Format::kText, kLater));
  CHECK(back.Find("h_bucket", {{"le", "0.1"}})->value == 1);
  CHECK(back.Find("h_bucket", {{"le", "1"}})->value == 4);
  CHECK(back.Find("h_count", {})->value == 5);
  CHECK(back.Find("h_count", {{"isotel_definition", label}})->value == 1);
  CHECK(back.Find("h_bucket", {{"isotel_definition", label}, {"le", "2"}}) == nullptr);
}

TEST_CASE("The series of a definition keep their label when those of the oldest definition have expired") {
  Source source;
  Deployed deployed{source};
  deployed.Record(WithBounds({1}), {0.5, 2}, 1'000);
  deployed.Record(WithBounds({5}), {3}, 2'000);
  const double alive = 10'000 + static_cast<double>(kExpiryMs);
  deployed.Record(WithBounds({5}), {3}, alive - 5'000);
  source.Expire(alive);
  const std::string shown = source.Render(Format::kText, alive);
  CAPTURE(shown);
  const std::string label = shown.substr(shown.find("isotel_definition=\"") + 19, 8);
  const Validated text = ValidateText(shown);
  CHECK(text.error == "");
  CHECK(text.Find("h_count", {{"isotel_definition", label}})->value == 2);
  CHECK(text.Find("h_bucket", {{"isotel_definition", label}, {"le", "5"}})->value == 2);
  CHECK(text.Find("h_count", {}) == nullptr);

  // The oldest definition comes back without a label.
  deployed.Record(WithBounds({1}), {4}, alive + 1);
  const Validated back = ValidateText(source.Render(Format::kText, alive + 1));
  CHECK(back.Find("h_count", {})->value == 1);
  CHECK(back.Find("h_count", {{"isotel_definition", label}})->value == 2);
}

TEST_CASE("A histogram that became exponential shows both, and so does one whose schema changed") {
  Source source;
  Deployed deployed{source};
  deployed.Record(WithBounds({1}), {4}, 1'000);
  Declaration exponential = MakeDeclaration(Kind::kExponentialHistogram, "h");
  deployed.Record(exponential, {4, 4}, 1'001);
  exponential.schema = 5;
  deployed.Record(exponential, {4, 4, 4}, 1'002);
  const auto json = nlohmann::json::parse(source.Render(Format::kJson));
  REQUIRE(json["families"].size() == 3);
  CHECK(json["families"][0]["superseded"] == true);
  CHECK_FALSE(json["families"][0].contains("definition"));
  CHECK(json["families"][1]["superseded"] == true);
  CHECK(json["families"][1]["series"][0]["schema"] == 3);
  CHECK_FALSE(json["families"][2].contains("superseded"));
  CHECK(json["families"][2]["series"][0]["schema"] == 5);
  CHECK(json["families"][1]["definition"] != json["families"][2]["definition"]);
}

TEST_CASE("A name that changed its kind shows both kinds") {
  Source source;
  Deployed deployed{source};
  deployed.Record(MakeDeclaration(Kind::kCounter, "x"), {7}, 1'000);
  deployed.Record(WithBounds({1}), {4}, 1'000);
  Declaration histogram = MakeDeclaration(Kind::kHistogram, "x");
  histogram.bounds = {1};
  deployed.Record(histogram, {4}, 1'001);
  deployed.Record(MakeDeclaration(Kind::kGaugeLast, "x"), {9}, 1'002);
  deployed.Record(MakeDeclaration(Kind::kCounter, "x"), {7}, 1'003);
  const std::string histograms =
      "# TYPE x histogram\nx_bucket{le=\"1\"} 0\nx_bucket{le=\"+Inf\"} 1\nx_sum 4\nx_count 1\n";
  CHECK(source.Render(Format::kText)
            .ends_with("# TYPE x_total counter\nx_total 14\n" + histograms + "# TYPE x_gauge gauge\nx_gauge 9\n"));
  // OpenMetrics would have two families of one name.
  const std::string open = source.Render(Format::kOpenMetrics);
  CHECK(open.find("# TYPE x_total unknown\nx_total 14\n# TYPE x histogram\n") != std::string::npos);
}

TEST_CASE("A gauge gives way to a sample of its name") {
  struct Clash {
    Declaration other;
    std::string gauge;
  };
  const Clash clashes[] = {{MakeDeclaration(Kind::kCounter, "foo"), "foo_total"},
                           {MakeDeclaration(Kind::kCounter, "foo"), "foo_created"},
                           {WithBounds({1}), "h"},
                           {WithBounds({1}), "h_bucket"},
                           {WithBounds({1}), "h_sum"},
                           {WithBounds({1}), "h_count"},
                           {WithBounds({1}), "h_created"}};
  for (const auto& [other, gauge] : clashes) {
    CAPTURE(gauge);
    Source source;
    Deployed deployed{source};
    deployed.Record(other, {3}, 1'000);
    deployed.Record(MakeDeclaration(Kind::kGaugeLast, gauge), {9}, 1'000);
    deployed.Record(MakeDeclaration(Kind::kGaugeLast, gauge + "_gauge"), {10}, 1'000);
    for (const Format format : {Format::kText, Format::kOpenMetrics}) {
      const std::string rendered = source.Render(format);
      CHECK((format == Format::kText ? ValidateText(rendered) : ValidateOpenMetrics(rendered)).error == "");
      CHECK(rendered.find("\n" + gauge + "_gauge_gauge 9\n") != std::string::npos);
      CHECK(rendered.find("\n" + gauge + "_gauge 10\n") != std::string::npos);
    }
  }
  Source source;
  Deployed deployed{source};
  deployed.Record(MakeDeclaration(Kind::kGaugeLast, "gg"), {3}, 1'000);
  deployed.Record(MakeDeclaration(Kind::kCounter, "gg"), {4}, 1'000);
  CHECK(source.Render(Format::kText) == "# TYPE gg_total counter\ngg_total 4\n# TYPE gg gauge\ngg 3\n");
}

TEST_CASE("Gauges of one name are combined as the newest declaration says") {
  for (const bool sum_is_newer : {false, true}) {
    Source source;
    Deployed deployed{source};
    deployed.Record(MakeDeclaration(sum_is_newer ? Kind::kGaugeLast : Kind::kGaugeSum, "g"), {5}, 1'000);
    deployed.Record(MakeDeclaration(sum_is_newer ? Kind::kGaugeSum : Kind::kGaugeLast, "g"), {7}, 1'001);
    deployed.Record(MakeDeclaration(sum_is_newer ? Kind::kGaugeLast : Kind::kGaugeSum, "g"), {6}, 1'500);
    CHECK(source.Render(Format::kText) == (sum_is_newer ? "# TYPE g gauge\ng 13\n" : "# TYPE g gauge\ng 11\n"));
  }
}

TEST_CASE("A gauge series that only the older declaration has keeps its value") {
  Source source;
  uint64_t number = 0;
  for (const Kind kind : {Kind::kGaugeLast, Kind::kGaugeSum}) {
    Registry registry(MakeProducer(++number));
    const uint32_t family = Must(registry.Declare(MakeDeclaration(kind, "g", {"x"}), 0));
    CHECK(registry.Record(Bind(registry, family, {std::to_string(number)}), 5) == Error::kOk);
    source.Take(registry, 1'000 + static_cast<double>(number));
  }
  CHECK(source.Render(Format::kText) == "# TYPE g gauge\ng{x=\"1\"} 5\ng{x=\"2\"} 5\n");
}

TEST_CASE("The overflow series has a label of its own") {
  Registry registry(MakeProducer(1));
  const uint32_t family = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c", {"x"}), 1));
  CHECK(registry.Record(Bind(registry, family, {"1"}), 1) == Error::kOk);
  CHECK(registry.Record(Bind(registry, family, {"2"}), 2) == Error::kOk);
  Source source;
  source.Take(registry);
  CHECK(ValidateText(source.Render(Format::kText)).Find("c_total", {{"otel_metric_overflow", "true"}})->value == 2);
}

TEST_CASE("Sums past what a double holds are written whole") {
  Registry registry(MakeProducer(1));
  const uint32_t row = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {});
  Source source;
  for (const double value : {9007199254740992.0, 1.0}) {
    CHECK(registry.Record(row, value) == Error::kOk);
    source.Take(registry);
  }
  CHECK(source.Render(Format::kText) == "# TYPE c_total counter\nc_total 9007199254740993\n");
}

TEST_CASE("The aggregator's own metrics, version and age are shown when asked for") {
  Registry registry(MakeProducer(1));
  Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kCounter, "c"), 0)), {});
  Source source;
  source.Take(registry);
  const Validated text = ValidateText(source.Render(Format::kText, Escaping::kUnderscores, true));
  CHECK(text.error == "");
  CHECK(text.Find("isotel_frames_applied_total")->value == 1);
  CHECK(text.Find("isotel_frames_duplicate_total")->value == 0);
  CHECK(text.Find("isotel_producers")->value == 1);
  CHECK(text.Find("isotel_series")->value == 1);
  CHECK(text.Find("isotel_snapshot_version")->value == 1);
  CHECK(text.Find("isotel_snapshot_age_seconds")->value == 1.5);
  CHECK(text.Find("isotel_snapshots_missing")->value == 0);
  CHECK(text.samples.size() == metrics::kAggregatorCounterCount + 4);
  CHECK(ValidateOpenMetrics(source.Render(Format::kOpenMetrics, Escaping::kUnderscores, true)).error == "");
}

TEST_CASE("Without a snapshot the exposition says how many are missing, and no age") {
  ByteWriter writer;
  exposition::Render(metrics::Snapshot(), Format::kText, {.self_metrics = true, .missing_snapshots = 2}, writer);
  const Validated text = ValidateText(writer.view());
  CHECK(text.error == "");
  CHECK(text.Find("isotel_snapshots_missing")->value == 2);
  CHECK(text.Find("isotel_snapshot_version")->value == 0);
  CHECK(text.Find("isotel_snapshot_age_seconds") == nullptr);
}

TEST_CASE("Every exposition of random data is valid and all agree") {
  Dice dice(1);
  for (int round = 0; round < 30 * metrics::Effort("ISOTEL_PROPERTY_EFFORT"); ++round) {
    Source source;
    for (uint64_t number = 0; number < 3; ++number) {
      SampleProducer producer(number, dice);
      producer.Work(dice.Below(150));
      source.Take(producer.registry);
    }
    const Validated text = ValidateText(source.Render(Format::kText));
    const Validated open = ValidateOpenMetrics(source.Render(Format::kOpenMetrics));
    CHECK(text.error == "");
    CHECK(open.error == "");
    for (const Sample& sample : text.samples) {
      std::map<std::string, std::string> labels = sample.labels;
      if (labels.count("le") > 0 && labels["le"].find_first_of(".eI") == std::string::npos) labels["le"] += ".0";
      const Sample* other = open.Find(sample.name, labels);
      REQUIRE(other != nullptr);
      CHECK(other->value == sample.value);
    }
    const auto json = nlohmann::json::parse(source.Render(Format::kJson), nullptr, false);
    REQUIRE_FALSE(json.is_discarded());
    size_t series = 0;
    for (const auto& family : json["families"]) series += family["series"].size();
    size_t expected = 0;
    for (const Sample& sample : text.samples) {
      expected += sample.name.ends_with("_bucket") || sample.name.ends_with("_sum") ? 0U : 1U;
    }
    CHECK(series == expected);
  }
}

TEST_CASE("JSON has every value of every kind") {
  Registry registry(MakeProducer(1));
  Declaration counter = MakeDeclaration(Kind::kCounter, "orders.count", {"plan"});
  counter.help = "A \"help\"\n\x01";
  CHECK(registry.Record(Bind(registry, Must(registry.Declare(counter, 0)), {"pro"}, 1'234), 3) == Error::kOk);
  const uint32_t gauge = Must(registry.Declare(MakeDeclaration(Kind::kGaugeMax, "peak"), 0));
  CHECK(registry.Record(Bind(registry, gauge, {}), 1 / 0.0) == Error::kOk);
  const uint32_t histogram = Must(registry.Declare(MakeDeclaration(Kind::kHistogram, "h"), 0));
  CHECK(registry.Record(Bind(registry, histogram, {}), 10) == Error::kOk);
  const uint32_t exponential = Must(registry.Declare(MakeDeclaration(Kind::kExponentialHistogram, "e"), 0));
  for (const double value : {0.0, 2.0, -2.0})
    CHECK(registry.Record(Bind(registry, exponential, {}), value) == Error::kOk);
  Source source;
  source.Take(registry);
  const auto json = nlohmann::json::parse(source.Render(Format::kJson));
  const auto& families = json["families"];
  REQUIRE(families.size() == 4);
  CHECK(families[0]["name"] == "e");
  CHECK(families[0]["type"] == "exponential_histogram");
  const auto& e = families[0]["series"][0];
  CHECK(e["schema"] == 3);
  CHECK(e["zero_count"] == 1);
  CHECK(e["positive"] == nlohmann::json::parse(R"({"first":8,"counts":[1]})"));
  CHECK(e["negative"] == nlohmann::json::parse(R"({"first":8,"counts":[1]})"));
  CHECK(families[1]["series"][0]["buckets"] == nlohmann::json::parse(R"([[1,0],[10,1],[100,1],["+Inf",1]])"));
  CHECK(families[1]["series"][0]["sum"] == 10);
  CHECK(families[2]["name"] == "orders.count");
  CHECK(families[2]["help"] == "A \"help\"\n\x01");
  CHECK(families[2]["series"][0] ==
        nlohmann::json::parse(R"({"labels":{"plan":"pro"},"created_unix_ms":1234,"value":3})"));
  CHECK(families[3]["series"][0]["value"] == "+Inf");
  CHECK(families[3]["series"][0]["updated_unix_ms"] == 2'000);
}

TEST_CASE("Content types carry version and escaping") {
  CHECK(ContentType(Format::kText, Escaping::kUtf8) == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(ContentType(Format::kText1, Escaping::kUtf8) ==
        "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
  CHECK(ContentType(Format::kOpenMetrics, Escaping::kUnderscores) ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores");
  CHECK(ContentType(Format::kProtobuf, Escaping::kDots) ==
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=dots");
  CHECK(ContentType(Format::kJson, Escaping::kValues) == "application/json");
}

TEST_CASE("Nothing recorded is an empty exposition") {
  Source source;
  CHECK(source.Render(Format::kText) == "");
  CHECK(source.Render(Format::kOpenMetrics) == "# EOF\n");
  CHECK(source.Render(Format::kProtobuf) == "");
  CHECK(source.Render(Format::kJson) == "{\"families\":[]}\n");
}

}  // namespace
}  // namespace isotel::exposition

// From recording to an exposition through the exports of both modules, and what they refuse.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "abi/aggregate/isotel_aggregate.h"
#include "abi/core/isotel_abi.h"
#include "base/error.h"
#include "base/limits.h"
#include "metrics/kind.h"

namespace isotel {
namespace {

int32_t Code(Error error) { return static_cast<int32_t>(error); }

template <typename T>
void Append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

struct Family {
  metrics::Kind kind = metrics::Kind::kCounter;
  std::string_view name = "orders";
  std::vector<std::string_view> labels = {};
  std::vector<double> bounds = {};
  std::string_view unit = {};
  std::string_view help = {};
  uint32_t max_series = 0;
  int32_t schema = 3;
  double zero_threshold = -1;
};

std::string Encoded(const Family& family) {
  std::string bytes;
  Append(bytes, family.zero_threshold);
  Append(bytes, static_cast<uint32_t>(family.kind));
  Append(bytes, family.schema);
  for (const size_t word : {size_t{0}, size_t{family.max_series}, family.name.size(), family.unit.size(),
                            family.help.size(), family.labels.size(), family.bounds.size(), size_t{0}}) {
    Append(bytes, static_cast<uint32_t>(word));
  }
  CHECK(bytes.size() == ISOTEL_DECLARATION_BYTES);
  for (const double bound : family.bounds) Append(bytes, bound);
  for (const std::string_view label : family.labels) Append(bytes, static_cast<uint32_t>(label.size()));
  for (const std::string_view text : {family.name, family.unit, family.help}) bytes += text;
  for (const std::string_view label : family.labels) bytes += label;
  return bytes;
}

std::string EncodedValues(const std::vector<std::string_view>& values) {
  std::string bytes;
  for (const std::string_view value : values) Append(bytes, static_cast<uint32_t>(value.size()));
  for (const std::string_view value : values) bytes += value;
  return bytes;
}

class Producer {
 public:
  explicit Producer(std::string_view id = "0123456789abcdef") : context(isotel_create()) {
    if (id.empty()) return;
    Put(id);
    REQUIRE(isotel_metrics_open(context) == 0);
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;
  ~Producer() { isotel_destroy(context); }

  uint32_t Put(std::string_view bytes) {
    void* buffer = isotel_buffer(context, static_cast<uint32_t>(bytes.size()));
    if (!bytes.empty()) std::memcpy(buffer, bytes.data(), bytes.size());
    return static_cast<uint32_t>(bytes.size());
  }
  int32_t Declare(const Family& family) { return isotel_metrics_declare(context, Put(Encoded(family))); }
  int32_t Bind(int32_t family, const std::vector<std::string_view>& values) {
    return isotel_metrics_bind(context, static_cast<uint32_t>(family), Put(EncodedValues(values)), 1'000);
  }
  int32_t Record(int32_t row, double value) {
    return isotel_metrics_record(context, static_cast<uint32_t>(row), value);
  }
  double Result(size_t index) {
    double value = 0;
    const auto* exchange = static_cast<const char*>(isotel_shared_block(context));
    std::memcpy(&value, exchange + ISOTEL_BLOCK_RESULT + index * sizeof value, sizeof value);
    return value;
  }
  std::string Frame(uint32_t index = 0) {
    const int32_t length = isotel_metrics_frame(context, index);
    REQUIRE(length > 0);
    return std::string(static_cast<const char*>(isotel_buffer(context, 0)), static_cast<size_t>(length));
  }

  isotel_context* context;
};

class Totals {
 public:
  explicit Totals(double series_expiry_ms = 1e18, double max_series = 1e5)
      : context(isotel_aggregate_create(1e9, 1e6, series_expiry_ms, max_series, 1e5, 1e9)) {
    REQUIRE(isotel_aggregate_totals_ready(context) == 0);
  }
  Totals(const Totals&) = delete;
  Totals& operator=(const Totals&) = delete;
  ~Totals() { isotel_aggregate_destroy(context); }

  uint32_t Put(std::string_view bytes) {
    void* buffer = isotel_aggregate_buffer(context, static_cast<uint32_t>(bytes.size()));
    if (!bytes.empty()) std::memcpy(buffer, bytes.data(), bytes.size());
    return static_cast<uint32_t>(bytes.size());
  }
  int32_t Apply(std::string_view frame) { return isotel_aggregate_totals_apply(context, Put(frame), 2'000); }
  std::string Output(int32_t length) {
    REQUIRE(length >= 0);
    return std::string(static_cast<const char*>(isotel_aggregate_output(context)), static_cast<size_t>(length));
  }
  double Result(size_t index) { return static_cast<const double*>(isotel_aggregate_results(context))[index]; }

  isotel_aggregate* context;
};

TEST_CASE("What is recorded arrives in an exposition") {
  Producer producer;
  const int32_t orders = producer.Declare({.labels = {"plan", "area"}, .help = "Orders."});
  const int32_t waits =
      producer.Declare({.kind = metrics::Kind::kHistogram, .name = "wait", .bounds = {0.5, 1}, .unit = "s"});
  REQUIRE(orders == 0);
  REQUIRE(waits == 1);
  const int32_t pro = producer.Bind(orders, {"pro", "eu"});
  CHECK(producer.Bind(orders, {"pro", "eu"}) == pro);
  CHECK(producer.Bind(orders, {"pr", "oeu"}) != pro);
  const int32_t wait = producer.Bind(waits, {});
  CHECK(producer.Record(pro, 2) == 0);
  CHECK(producer.Record(wait, 0.5) == 0);
  producer.Put(
      "tttttttttttttttt"
      "ssssssss");
  CHECK(isotel_metrics_record_exemplar(producer.context, static_cast<uint32_t>(wait), 0.75, 1'500) == 0);
  CHECK(isotel_metrics_status(producer.context) == ISOTEL_METRICS_REPLACED + 1);
  CHECK(producer.Result(ISOTEL_METRICS_ROWS) == 3);
  CHECK(producer.Result(ISOTEL_METRICS_DIRTY) == 1);

  REQUIRE(isotel_metrics_flush(producer.context, 1'900, 0) == 1);
  const std::string frame = producer.Frame();
  CHECK(producer.Result(0) == 1);
  Totals totals;
  CHECK(isotel_aggregate_frame_shard(totals.context, totals.Put(frame), 7) == 0x33323130 % 7);
  CHECK(totals.Apply(frame) == ISOTEL_APPLIED);
  CHECK(totals.Apply(frame) == ISOTEL_DUPLICATE);
  CHECK(isotel_metrics_commit(producer.context, 1) == 0);
  CHECK(isotel_metrics_commit(producer.context, 1) == Code(Error::kOutOfRange));

  const std::string snapshot = totals.Output(isotel_aggregate_totals_snapshot(totals.context, 2'500));
  CHECK(isotel_aggregate_totals_changes(totals.context) > 0);
  CHECK(isotel_aggregate_totals_changes(totals.context) == 0);
  REQUIRE(isotel_aggregate_snapshot_merge(totals.context, totals.Put(snapshot)) == 0);
  CHECK(isotel_aggregate_snapshot_peek(totals.context, totals.Put(snapshot)) == 0);
  CHECK(totals.Result(ISOTEL_SNAPSHOT_VERSION) == 1);
  CHECK(totals.Result(ISOTEL_SNAPSHOT_UNIX_MS) == 2'500);
  const int32_t choice = isotel_aggregate_negotiate(
      totals.context, totals.Put("application/openmetrics-text;version=1.0.0;escaping=values"));
  CHECK(choice == (2 | ISOTEL_ESCAPING_VALUES << 8));
  CHECK(totals.Output(isotel_aggregate_content_type(totals.context, 2, ISOTEL_ESCAPING_VALUES)) ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values");
  const std::string text =
      totals.Output(isotel_aggregate_snapshot_render(totals.context, 2, ISOTEL_ESCAPING_VALUES, 0, 0, 3'000));
  CHECK(text.find("orders_total{area=\"eu\",plan=\"pro\"} 2\n") != std::string::npos);
  CHECK(text.find("wait_seconds_bucket{le=\"0.5\"} 1") != std::string::npos);
  CHECK(text.find("trace_id=\"74747474747474747474747474747474\"") != std::string::npos);
}

// The frame of a producer that records 1 in these metrics.
std::string FrameOf(Producer& producer, const std::vector<int32_t>& rows) {
  for (const int32_t row : rows) REQUIRE(producer.Record(row, 1) == 0);
  REQUIRE(isotel_metrics_flush(producer.context, 1'900, 0) == 1);
  const std::string frame = producer.Frame();
  REQUIRE(isotel_metrics_commit(producer.context, static_cast<uint32_t>(producer.Result(0))) == 0);
  return frame;
}

TEST_CASE("Notices name definitions that share a name, each once") {
  Producer first;
  Producer second("fedcba9876543210");
  const int32_t counter = first.Bind(first.Declare({.name = "jobs"}), {});
  const int32_t histogram =
      second.Bind(second.Declare({.kind = metrics::Kind::kHistogram, .name = "jobs", .bounds = {1}}), {});
  const int32_t total = second.Bind(second.Declare({.name = "jobs_\"total"}), {});
  const int32_t gauge = second.Bind(second.Declare({.kind = metrics::Kind::kGaugeLast, .name = "jobs_sum"}), {});
  Totals totals;
  const auto notices = [&] { return totals.Output(isotel_aggregate_totals_notices(totals.context)); };
  CHECK(totals.Apply(FrameOf(first, {counter})) == ISOTEL_APPLIED);
  CHECK(notices() == "{\"conflicts\":[],\"overflowed\":null}");
  CHECK(totals.Apply(FrameOf(second, {histogram, total, gauge})) == ISOTEL_APPLIED_WITH_NOTICES);
  const std::string brought = notices();
  CHECK(brought.find("{\"metric\":\"jobs\",\"kind\":\"histogram\",\"other\":\"jobs\",\"otherKind\":\"counter\"}") !=
        std::string::npos);
  CHECK(brought.find(
            "{\"metric\":\"jobs_sum\",\"kind\":\"gauge_last\",\"other\":\"jobs\",\"otherKind\":\"histogram\"}") !=
        std::string::npos);
  CHECK(notices() == "{\"conflicts\":[],\"overflowed\":null}");
  CHECK(totals.Apply(FrameOf(second, {histogram, total, gauge})) == ISOTEL_APPLIED);

  const std::string snapshot = totals.Output(isotel_aggregate_totals_snapshot(totals.context, 2'500));
  REQUIRE(isotel_aggregate_snapshot_merge(totals.context, totals.Put(snapshot)) == 0);
  const std::string text = totals.Output(isotel_aggregate_snapshot_render(totals.context, 0, 0, 1, 0, 3'000));
  CHECK(text.find("\nisotel_definition_conflicts_total 2\n") != std::string::npos);
}

TEST_CASE("The first overflow is noticed once") {
  Producer producer;
  const int32_t family = producer.Declare({.name = "jobs", .labels = {"k"}});
  Totals totals(1e18, 1.5);
  CHECK(totals.Apply(FrameOf(producer, {producer.Bind(family, {"a"})})) == ISOTEL_APPLIED);
  CHECK(totals.Apply(FrameOf(producer, {producer.Bind(family, {"b"})})) == ISOTEL_APPLIED_WITH_NOTICES);
  const std::string brought = totals.Output(isotel_aggregate_totals_notices(totals.context));
  CHECK(brought.find("\"overflowed\":{\"metric\":\"jobs\",\"series\":2,\"bytes\":") != std::string::npos);
  CHECK(totals.Apply(FrameOf(producer, {producer.Bind(family, {"c"})})) == ISOTEL_APPLIED);
  CHECK(totals.Output(isotel_aggregate_totals_notices(totals.context)) == "{\"conflicts\":[],\"overflowed\":null}");
}

TEST_CASE("A limit is at least one series, whatever number it is given as") {
  for (const double limit : {0.0, -1.0, 0.5, std::nan("")}) {
    Producer producer;
    const int32_t family = producer.Declare({.name = "jobs", .labels = {"k"}});
    Totals totals(1e18, limit);
    CHECK(totals.Apply(FrameOf(producer, {producer.Bind(family, {"a"})})) == ISOTEL_APPLIED);
    CHECK(totals.Apply(FrameOf(producer, {producer.Bind(family, {"b"})})) == ISOTEL_APPLIED_WITH_NOTICES);
  }
}

TEST_CASE("Series expire or are dropped by name, and the host learns when the next one may expire") {
  Producer producer;
  const int32_t row = producer.Bind(producer.Declare({.name = "jobs", .labels = {"k"}}), {"a"});
  Totals totals(10'000);
  CHECK(isotel_aggregate_totals_expire_series(totals.context, 2'000, 0) == 0);
  CHECK(totals.Result(0) == 0);
  CHECK(totals.Apply(FrameOf(producer, {row})) == ISOTEL_APPLIED);
  CHECK(isotel_aggregate_totals_expire_series(totals.context, 12'000, 0) == 0);
  CHECK(totals.Result(0) == 12'001);
  CHECK(isotel_aggregate_totals_expire_series(totals.context, 12'001, 0) == 1);
  CHECK(totals.Apply(FrameOf(producer, {row})) == ISOTEL_APPLIED);
  CHECK(isotel_aggregate_totals_drop(totals.context, totals.Put("job"), 2'000) == 0);
  CHECK(isotel_aggregate_totals_drop(totals.context, totals.Put("jobs_total"), 2'000) == 1);
  CHECK(totals.Apply(FrameOf(producer, {row})) == ISOTEL_APPLIED);
  CHECK(isotel_aggregate_totals_drop(totals.context, 0, 2'000) == 1);
  CHECK(isotel_aggregate_totals_drop(totals.context, UINT32_MAX, 2'000) == Code(Error::kOutOfRange));

  Totals forever(9007199254740994.0);
  CHECK(forever.Apply(FrameOf(producer, {row})) == ISOTEL_APPLIED);
  CHECK(isotel_aggregate_totals_expire_series(forever.context, 8e15, 0) == 0);
  CHECK(forever.Result(0) == 0);
}

TEST_CASE("Totals go on from the chunks they were stored as") {
  Producer producer;
  const int32_t row = producer.Bind(producer.Declare({}), {});
  CHECK(producer.Record(row, 5) == 0);
  REQUIRE(isotel_metrics_flush(producer.context, 1'900, 0) == 1);
  const std::string frame = producer.Frame();
  Totals totals;
  CHECK(totals.Apply(frame) == ISOTEL_APPLIED);
  const std::string changes = totals.Output(isotel_aggregate_totals_changes(totals.context));

  isotel_aggregate* again = isotel_aggregate_create(1e9, 1e6, 1e18, 1e5, 1e5, 1e9);
  for (size_t at = 0; at < changes.size();) {
    uint32_t head[2];
    std::memcpy(head, changes.data() + at, sizeof head);
    at += sizeof head;
    std::memcpy(isotel_aggregate_buffer(again, head[1]), changes.data() + at, head[1]);
    CHECK(isotel_aggregate_totals_load(again, head[0], head[1]) == 0);
    at += head[1];
  }
  CHECK(isotel_aggregate_totals_ready(again) == 0);
  std::memcpy(isotel_aggregate_buffer(again, static_cast<uint32_t>(frame.size())), frame.data(), frame.size());
  CHECK(isotel_aggregate_totals_apply(again, static_cast<uint32_t>(frame.size()), 2'000) == ISOTEL_DUPLICATE);
  CHECK(isotel_aggregate_totals_prune(again, 2'000) == 0);
  CHECK(isotel_aggregate_totals_next_prune(again, std::numeric_limits<double>::infinity()) == 1);
  // Twice the expiry of gauges.
  CHECK(*static_cast<double*>(isotel_aggregate_results(again)) == 2e6 + 2'001);
  CHECK(isotel_aggregate_totals_next_prune(again, 500) == 1);
  CHECK(*static_cast<double*>(isotel_aggregate_results(again)) == 2e6 + 2'001);
  isotel_aggregate_destroy(again);
}

TEST_CASE("An idle producer becomes a record, by which a frame of it is recognised") {
  Producer producer;
  const int32_t row = producer.Bind(producer.Declare({}), {});
  CHECK(producer.Record(row, 5) == 0);
  REQUIRE(isotel_metrics_flush(producer.context, 1'900, 0) == 1);
  const std::string frame = producer.Frame();
  const std::string id = frame.substr(ISOTEL_PRODUCER_AT, ISOTEL_PRODUCER_BYTES);
  Totals totals;
  CHECK(totals.Apply(frame) == ISOTEL_APPLIED);
  CHECK(isotel_aggregate_totals_missing(totals.context, totals.Put(id)) == 0);
  CHECK(isotel_aggregate_totals_prune(totals.context, 3e6) == 0);
  const std::string changes = totals.Output(isotel_aggregate_totals_changes(totals.context));
  std::string record;
  for (size_t at = 0; at < changes.size();) {
    uint32_t head[2];
    std::memcpy(head, changes.data() + at, sizeof head);
    at += sizeof head;
    if (head[0] == ISOTEL_ARCHIVED_KEY) record = changes.substr(at, head[1]);
    at += head[1];
  }
  REQUIRE(record.size() > ISOTEL_RECORD_SEEN_AT + sizeof(uint64_t));
  CHECK(record.substr(ISOTEL_PRODUCER_AT, ISOTEL_PRODUCER_BYTES) == id);
  CHECK(totals.Output(isotel_aggregate_totals_missing(totals.context, totals.Put(id + id))) == id + id);
  CHECK(isotel_aggregate_totals_expire(totals.context, totals.Put(id), 1'900, 2'000) == 0);
  CHECK(isotel_aggregate_totals_restore(totals.context, totals.Put(id + record), 1'900) == 0);
  CHECK(isotel_aggregate_totals_missing(totals.context, totals.Put(id)) == 0);
  CHECK(totals.Apply(frame) == ISOTEL_DUPLICATE);
  CHECK(isotel_aggregate_totals_restore(totals.context, totals.Put(id + record), 1'900) == ISOTEL_RESTORED);
  const std::string back = totals.Output(isotel_aggregate_totals_changes(totals.context));
  CHECK(back.find(id) != std::string::npos);
  // Its place has what the record had. That is removed when its retention is over.
  CHECK(isotel_aggregate_totals_expire(totals.context, totals.Put(id), 1'900, 1e12) == 1);
  const std::string removed = totals.Output(isotel_aggregate_totals_changes(totals.context));
  CHECK(removed.substr(removed.size() - id.size()) == id);
  CHECK(isotel_aggregate_totals_changes(totals.context) == 0);
}

TEST_CASE("Bounds come from generators") {
  Producer producer;
  const auto bounds = [&](uint32_t generator, double a, double b, uint32_t count) {
    const int32_t number = isotel_metrics_bounds(producer.context, generator, a, b, count);
    std::vector<double> values(number > 0 ? static_cast<size_t>(number) : 0);
    if (number > 0) std::memcpy(values.data(), isotel_buffer(producer.context, 0), values.size() * sizeof(double));
    return values;
  };
  CHECK(bounds(ISOTEL_BOUNDS_LINEAR, 1, 2, 3) == std::vector<double>{1, 3, 5});
  CHECK(bounds(ISOTEL_BOUNDS_EXPONENTIAL, 1, 10, 3) == std::vector<double>{1, 10, 100});
  CHECK(bounds(ISOTEL_BOUNDS_PER_DECADE, 0, 1, 2) == std::vector<double>{1, 10, 100});
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {kNan, -1e300, 1e300}) {
    CHECK(isotel_metrics_bounds(producer.context, ISOTEL_BOUNDS_PER_DECADE, bad, 1, 1) == Code(Error::kInvalidBounds));
    CHECK(isotel_metrics_bounds(producer.context, ISOTEL_BOUNDS_PER_DECADE, 0, bad, 1) == Code(Error::kInvalidBounds));
  }
  CHECK(isotel_metrics_bounds(producer.context, ISOTEL_BOUNDS_LINEAR, 0, 1, UINT32_MAX) == Code(Error::kInvalidBounds));
  CHECK(isotel_metrics_bounds(producer.context, 3, 0, 1, 1) == Code(Error::kOutOfRange));
}

TEST_CASE("A declaration whose sizes do not add up is refused, whichever they are") {
  Producer producer;
  const std::string good = Encoded({.labels = {"plan"}, .bounds = {1}, .help = "h"});
  for (size_t length = 0; length < good.size(); ++length) {
    CHECK(isotel_metrics_declare(producer.context, producer.Put(good.substr(0, length))) == Code(Error::kOutOfRange));
  }
  CHECK(isotel_metrics_declare(producer.context, producer.Put(good + "x")) == Code(Error::kOutOfRange));
  for (const int at : {ISOTEL_DECLARATION_KIND, ISOTEL_DECLARATION_NAME_SIZE, ISOTEL_DECLARATION_UNIT_SIZE,
                       ISOTEL_DECLARATION_HELP_SIZE, ISOTEL_DECLARATION_LABEL_COUNT, ISOTEL_DECLARATION_BOUND_COUNT}) {
    std::string bytes = good;
    std::memset(bytes.data() + at, 0xFF, sizeof(uint32_t));
    CHECK(isotel_metrics_declare(producer.context, producer.Put(bytes)) == Code(Error::kOutOfRange));
  }
  CHECK(producer.Declare({.name = ""}) == Code(Error::kInvalidMetricName));
  CHECK(producer.Declare({.labels = {"__x"}}) == Code(Error::kInvalidLabelName));
  CHECK(producer.Declare({.kind = metrics::Kind::kHistogram, .bounds = {2, 1}}) == Code(Error::kInvalidBounds));
  CHECK(producer.Declare({.kind = metrics::Kind::kExponentialHistogram, .schema = 9}) ==
        Code(Error::kInvalidDeclaration));
  CHECK(producer.Declare({.unit = "s"}) == 0);
  CHECK(producer.Declare({.unit = "s"}) == 0);
  CHECK(producer.Declare({.unit = "By"}) == Code(Error::kConflict));
}

TEST_CASE("Label values that do not add up, and unknown rows and families, are refused") {
  Producer producer;
  const int32_t family = producer.Declare({.labels = {"a", "b"}, .max_series = 1});
  const std::string good = EncodedValues({"1", "2"});
  for (size_t length = 0; length < good.size(); ++length) {
    CHECK(isotel_metrics_bind(producer.context, 0, producer.Put(good.substr(0, length)), 0) ==
          Code(Error::kOutOfRange));
  }
  CHECK(producer.Bind(family + 1, {"1", "2"}) == Code(Error::kOutOfRange));
  CHECK(producer.Bind(family, {"\xff", "2"}) == Code(Error::kInvalidUtf8));
  CHECK(producer.Bind(family, {"1", "2"}) == 0);
  const int32_t overflow = producer.Bind(family, {"1", "3"});
  CHECK(overflow == 1);
  CHECK(producer.Bind(family, {"1", "4"}) == overflow);
  CHECK(producer.Record(2, 1) == Code(Error::kOutOfRange));
  CHECK(producer.Record(0, -1) == Code(Error::kInvalidValue));
  CHECK(isotel_metrics_add(producer.context, 9, 1) == Code(Error::kOutOfRange));
  CHECK(isotel_metrics_frame(producer.context, 0) == Code(Error::kOutOfRange));
  for (const double sequence : {0.0, -1.0, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(isotel_metrics_commit(producer.context, sequence) == Code(Error::kOutOfRange));
  }
  CHECK(isotel_metrics_status(producer.context) > 0);
  CHECK(producer.Result(ISOTEL_METRICS_LABEL_SETS_OVERFLOWED) == 2);
  CHECK(producer.Result(ISOTEL_METRICS_INVALID_VALUES) == 1);
}

TEST_CASE("Constant labels are in the frames that follow") {
  Producer producer;
  const std::string labels("\x07service\x04shop", 13);
  const auto set = [&](std::string_view bytes) {
    return isotel_metrics_constant_labels(producer.context, producer.Put(bytes));
  };
  CHECK(set(labels) == 0);
  CHECK(set(std::string("\x02le\x01x", 5)) == Code(Error::kInvalidLabelName));
  CHECK(set(std::string(kMaxConstantLabelBytes + 1, 'a')) == Code(Error::kLimitReached));
  CHECK(isotel_metrics_constant_labels(producer.context, UINT32_MAX) == Code(Error::kOutOfRange));
  const int32_t row = producer.Bind(producer.Declare({}), {});
  CHECK(producer.Record(row, 1) == 0);
  CHECK(isotel_metrics_flush(producer.context, 0, 0) == 1);
  CHECK(producer.Frame().find(labels.substr(8)) != std::string::npos);
}

TEST_CASE("Nothing is recorded before metrics are opened, and they are opened once") {
  Producer producer("");
  CHECK(isotel_metrics_open(producer.context) == Code(Error::kOutOfRange));
  CHECK(producer.Declare({}) == Code(Error::kOutOfRange));
  CHECK(isotel_metrics_constant_labels(producer.context, 0) == Code(Error::kOutOfRange));
  CHECK(isotel_metrics_bind(producer.context, 0, 0, 0) == Code(Error::kOutOfRange));
  CHECK(producer.Record(0, 1) == Code(Error::kOutOfRange));
  CHECK(isotel_metrics_flush(producer.context, 0, 0) == Code(Error::kOutOfRange));
  CHECK(isotel_metrics_status(producer.context) == Code(Error::kOutOfRange));
  producer.Put("0123456789abcdef");
  CHECK(isotel_metrics_open(producer.context) == 0);
  CHECK(isotel_metrics_open(producer.context) == Code(Error::kConflict));
}

TEST_CASE("The aggregation module refuses lengths, codes and bytes it cannot take") {
  Totals totals;
  totals.Put("xyz");
  CHECK(isotel_aggregate_buffer(totals.context, UINT32_MAX) == nullptr);
  for (const uint32_t length : {uint32_t{4}, UINT32_MAX}) {
    CHECK(isotel_aggregate_totals_load(totals.context, 0, length) == Code(Error::kOutOfRange));
    CHECK(isotel_aggregate_totals_missing(totals.context, length) == Code(Error::kOutOfRange));
    CHECK(isotel_aggregate_totals_restore(totals.context, length, 0) == Code(Error::kOutOfRange));
    CHECK(isotel_aggregate_totals_expire(totals.context, length, 0, 0) == Code(Error::kOutOfRange));
    CHECK(isotel_aggregate_totals_apply(totals.context, length, 0) == Code(Error::kOutOfRange));
    CHECK(isotel_aggregate_frame_shard(totals.context, length, 1) == Code(Error::kOutOfRange));
    CHECK(isotel_aggregate_snapshot_merge(totals.context, length) == Code(Error::kOutOfRange));
    CHECK(isotel_aggregate_snapshot_peek(totals.context, length) == Code(Error::kOutOfRange));
    CHECK(isotel_aggregate_negotiate(totals.context, length) == Code(Error::kOutOfRange));
  }
  CHECK(isotel_aggregate_totals_restore(totals.context, 3, 0) == Code(Error::kOutOfRange));
  CHECK(isotel_aggregate_totals_expire(totals.context, 3, 0, 0) == Code(Error::kOutOfRange));
  CHECK(isotel_aggregate_frame_shard(totals.context, 3, 0) == Code(Error::kOutOfRange));
  CHECK(isotel_aggregate_frame_shard(totals.context, 3, 1) == Code(Error::kCorrupt));
  CHECK(totals.Apply("xyz") == Code(Error::kCorrupt));
  CHECK(isotel_aggregate_snapshot_merge(totals.context, 3) == Code(Error::kCorrupt));
  CHECK(isotel_aggregate_snapshot_peek(totals.context, 3) == Code(Error::kCorrupt));
  CHECK(isotel_aggregate_snapshot_render(totals.context, 5, 0, 0, 0, 0) == Code(Error::kOutOfRange));
  CHECK(isotel_aggregate_snapshot_render(totals.context, 0, 4, 0, 0, 0) == Code(Error::kOutOfRange));
  CHECK(isotel_aggregate_content_type(totals.context, 5, 0) == Code(Error::kOutOfRange));
  CHECK(isotel_aggregate_snapshot_clear(totals.context) == 0);
}

}  // namespace
}  // namespace isotel

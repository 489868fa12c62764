#include "exposition/prometheus_protobuf.h"

#include <doctest/doctest.h>

#include <protozero/pbf_reader.hpp>
#include <protozero/varint.hpp>

#include "../metrics/metrics_double.h"
#include "base/protobuf_writer.h"
#include "exposition/exposition.h"
#include "exposition_validator.h"

namespace isotel::exposition {
namespace {

using metrics::Aggregator;
using metrics::AggregatorOptions;
using metrics::Bind;
using metrics::Declaration;
using metrics::Exemplar;
using metrics::Kind;
using metrics::MakeDeclaration;
using metrics::MakeProducer;
using metrics::Must;
using metrics::Registry;

struct Bucket {
  uint64_t cumulative_count = 0;
  double upper_bound = 0;
  double exemplar = -1;
};
struct Span {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const Span&, const Span&) = default;
};
struct Metric {
  std::map<std::string, std::string> labels;
  double value = 0;
  uint64_t sample_count = 0;
  double sample_sum = 0;
  std::vector<Bucket> buckets;
  bool native = false;
  int32_t schema = 0;
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  std::vector<Span> spans[2];  // negative, positive
  std::vector<int64_t> deltas[2];
  uint64_t created_ms = 0;
  std::vector<std::map<std::string, std::string>> exemplars;
};
struct Family {
  std::string name;
  std::string help;
  std::string unit;
  uint32_t type = 0;
  std::vector<Metric> metrics;
};

uint64_t ReadTime(protozero::pbf_reader message) {
  uint64_t ms = 0;
  while (message.next()) {
    const bool seconds = message.tag() == 1;
    ms += seconds ? static_cast<uint64_t>(message.get_int64()) * 1000
                  : static_cast<uint64_t>(message.get_int32()) / 1'000'000;
  }
  return ms;
}

std::pair<std::string, std::string> ReadPair(protozero::pbf_reader message) {
  std::pair<std::string, std::string> pair;
  while (message.next()) {
    const bool is_name = message.tag() == 1;
    (is_name ? pair.first : pair.second) = message.get_string();
  }
  return pair;
}

double ReadExemplar(protozero::pbf_reader message, Metric& metric) {
  double value = 0;
  bool has_time = false;
  metric.exemplars.emplace_back();
  while (message.next()) {
    if (message.tag() == 1) {
      metric.exemplars.back().insert(ReadPair(message.get_message()));
    } else if (message.tag() == 2) {
      value = message.get_double();
    } else {
      has_time = ReadTime(message.get_message()) > 0;
    }
  }
  CHECK(has_time);
  return value;
}

void ReadHistogram(protozero::pbf_reader message, Metric& metric) {
  while (message.next()) {
    switch (message.tag()) {
      case 1:
        metric.sample_count = message.get_uint64();
        break;
      case 2:
        metric.sample_sum = message.get_double();
        break;
      case 3: {
        Bucket bucket;
        protozero::pbf_reader inner = message.get_message();
        while (inner.next()) {
          if (inner.tag() == 1) bucket.cumulative_count = inner.get_uint64();
          if (inner.tag() == 2) bucket.upper_bound = inner.get_double();
          if (inner.tag() == 3) bucket.exemplar = ReadExemplar(inner.get_message(), metric);
        }
        metric.buckets.push_back(bucket);
        break;
      }
      case 5:
        metric.native = true;
        metric.schema = message.get_sint32();
        break;
      case 6:
        metric.zero_threshold = message.get_double();
        break;
      case 7:
        metric.zero_count = message.get_uint64();
        break;
      case 9:
      case 12: {
        Span span;
        const bool positive = message.tag() == 12;
        protozero::pbf_reader inner = message.get_message();
        while (inner.next()) {
          if (inner.tag() == 1) span.offset = inner.get_sint32();
          if (inner.tag() == 2) span.length = inner.get_uint32();
        }
        metric.spans[positive ? 1 : 0].push_back(span);
        break;
      }
      case 10:
      case 13: {
        std::vector<int64_t>& deltas = metric.deltas[message.tag() == 13 ? 1 : 0];
        deltas.push_back(message.get_sint64());
        break;
      }
      case 15:
        metric.created_ms = ReadTime(message.get_message());
        break;
      case 16:
        ReadExemplar(message.get_message(), metric);
        break;
      default:
        FAIL("an unknown histogram field");
    }
  }
}

Metric ReadMetric(protozero::pbf_reader message) {
  Metric metric;
  while (message.next()) {
    const uint32_t field = message.tag();
    if (field == 1) {
      metric.labels.insert(ReadPair(message.get_message()));
    } else if (field == 7) {
      ReadHistogram(message.get_message(), metric);
    } else {
      CHECK((field == 2 || field == 3));
      protozero::pbf_reader inner = message.get_message();
      while (inner.next()) {
        if (inner.tag() == 1) metric.value = inner.get_double();
        if (inner.tag() == 2) ReadExemplar(inner.get_message(), metric);
        if (inner.tag() == 3) metric.created_ms = ReadTime(inner.get_message());
      }
    }
  }
  return metric;
}

std::vector<Family> ReadFamilies(const std::string& bytes) {
  std::vector<Family> families;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    const uint64_t size = protozero::decode_varint(&at, end);
    REQUIRE(size <= static_cast<uint64_t>(end - at));
    protozero::pbf_reader message(at, size);
    at += size;
    Family& family = families.emplace_back();
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          family.name = message.get_string();
          break;
        case 2:
          family.help = message.get_string();
          break;
        case 3:
          family.type = static_cast<uint32_t>(message.get_enum());
          break;
        case 4:
          family.metrics.push_back(ReadMetric(message.get_message()));
          break;
        case 5:
          family.unit = message.get_string();
          break;
        default:
          FAIL("an unknown family field");
      }
    }
  }
  return families;
}

std::string Exposition(Registry& registry, Format format = Format::kProtobuf) {
  Aggregator aggregator{AggregatorOptions{}};
  for (const std::string& frame : metrics::TakeFrames(registry)) REQUIRE(aggregator.Apply(frame, 2'000).ok());
  metrics::Snapshot snapshot;
  REQUIRE(snapshot.Merge(metrics::SnapshotBytes(aggregator)) == Error::kOk);
  ByteWriter writer;
  Render(snapshot, format, {}, writer);
  return std::string(writer.view());
}

TEST_CASE("The native histogram example of Prometheus") {
  Registry registry(MakeProducer(1));
  const uint32_t row = Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kExponentialHistogram, "n"), 0)), {});
  const std::pair<double, int> values[] = {{0, 1}, {0.83, 3}, {0.9, 5}, {1.1, 1}, {1.4, 3}, {1.5, 2}};
  for (const auto& [value, count] : values) {
    for (int i = 0; i < count; ++i) CHECK(registry.Record(row, value) == Error::kOk);
  }
  const std::vector<Family> families = ReadFamilies(Exposition(registry));
  REQUIRE(families.size() == 1);
  CHECK(families[0].type == 4);
  const Metric& metric = families[0].metrics[0];
  CHECK(metric.native);
  CHECK(metric.schema == 3);
  CHECK(metric.zero_threshold == metrics::kDefaultZeroThreshold);
  CHECK(metric.zero_count == 1);
  CHECK(metric.spans[1] == std::vector<Span>{{-2, 2}, {2, 1}, {1, 2}});
  CHECK(metric.deltas[1] == std::vector<int64_t>{3, 2, -4, 2, -1});
  CHECK(metric.spans[0].empty());
  CHECK(metric.sample_count == 15);
  CHECK(metric.sample_sum == doctest::Approx(15.29));
  CHECK(metric.buckets.empty());
  CHECK(metric.created_ms == 1'000);
}

TEST_CASE("A native histogram without samples has one empty span") {
  Registry registry(MakeProducer(1));
  Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kExponentialHistogram, "n"), 0)), {});
  const Metric metric = ReadFamilies(Exposition(registry))[0].metrics[0];
  CHECK(metric.sample_count == 0);
  CHECK(metric.spans[1] == std::vector<Span>{{0, 0}});
  CHECK(metric.deltas[1].empty());
}

TEST_CASE("Counters, gauges and classic histograms with labels, units, exemplars and creation times") {
  Registry registry(MakeProducer(1));
  Declaration counter = MakeDeclaration(Kind::kCounter, "work", {"a", "b"});
  counter.unit = "s";
  counter.help = "Help.";
  Exemplar exemplar;
  exemplar.value = 2.5;
  exemplar.unix_ms = 1'500;
  exemplar.trace_id[15] = 1;
  CHECK(registry.Record(Bind(registry, Must(registry.Declare(counter, 0)), {"", "x"}), exemplar) == Error::kOk);
  const uint32_t gauge = Must(registry.Declare(MakeDeclaration(Kind::kGaugeSum, "level"), 0));
  CHECK(registry.Record(Bind(registry, gauge, {}), -3) == Error::kOk);
  const uint32_t histogram = Must(registry.Declare(MakeDeclaration(Kind::kHistogram, "h"), 0));
  CHECK(registry.Record(Bind(registry, histogram, {}), 10) == Error::kOk);
  exemplar.value = 1e9;
  CHECK(registry.Record(Bind(registry, histogram, {}), exemplar) == Error::kOk);
  const std::vector<Family> families = ReadFamilies(Exposition(registry));
  REQUIRE(families.size() == 3);
  const Metric& h = families[0].metrics[0];
  REQUIRE(h.buckets.size() == 4);
  CHECK(h.buckets[1].upper_bound == 10);
  CHECK(h.buckets[1].cumulative_count == 1);
  CHECK(std::isinf(h.buckets[3].upper_bound));
  CHECK(h.buckets[3].cumulative_count == 2);
  CHECK(h.buckets[3].exemplar == 1e9);
  CHECK_FALSE(h.native);
  CHECK(families[1].name == "level");
  CHECK(families[1].type == 1);
  CHECK(families[1].metrics[0].value == -3);
  CHECK(families[2].name == "work_seconds_total");
  CHECK(families[2].help == "Help.");
  CHECK(families[2].unit == "seconds");
  CHECK(families[2].type == 0);
  const Metric& work = families[2].metrics[0];
  CHECK(work.labels == std::map<std::string, std::string>{{"b", "x"}});
  CHECK(work.value == 2.5);
  CHECK(work.created_ms == 1'000);
  CHECK(work.exemplars[0] == std::map<std::string, std::string>{{"trace_id", "00000000000000000000000000000001"},
                                                                {"span_id", "0000000000000000"}});
}

TEST_CASE("Protobuf says what the text says, for random data") {
  metrics::Dice dice(9);
  for (int round = 0; round < 20; ++round) {
    Aggregator aggregator{AggregatorOptions{}};
    for (uint64_t number = 0; number < 2; ++number) {
      metrics::SampleProducer producer(number, dice);
      producer.Work(dice.Below(200));
      for (const std::string& frame : metrics::TakeFrames(producer.registry))
        REQUIRE(aggregator.Apply(frame, 2'000).ok());
    }
    metrics::Snapshot snapshot;
    REQUIRE(snapshot.Merge(metrics::SnapshotBytes(aggregator)) == Error::kOk);
    ByteWriter writer;
    Render(snapshot, Format::kText, {}, writer);
    const Validated text = ValidateText(writer.view());
    REQUIRE(text.error == "");
    Render(snapshot, Format::kProtobuf, {}, writer);
    size_t samples = 0;
    for (const Family& family : ReadFamilies(std::string(writer.view()))) {
      for (const Metric& metric : family.metrics) {
        if (family.type != 4) {
          CHECK(text.Find(family.name, metric.labels)->value == metric.value);
          ++samples;
          continue;
        }
        CHECK(text.Find(family.name + "_count", metric.labels)->value == static_cast<double>(metric.sample_count));
        CHECK(text.Find(family.name + "_sum", metric.labels)->value == metric.sample_sum);
        samples += 2;
        if (!metric.native) {
          samples += metric.buckets.size();
          CHECK(metric.buckets.back().cumulative_count == metric.sample_count);
          continue;
        }
        uint64_t counted = metric.zero_count;
        for (const int side : {0, 1}) {
          int64_t count = 0;
          size_t lengths = 0;
          for (const Span& span : metric.spans[side]) lengths += span.length;
          CHECK(lengths == metric.deltas[side].size());
          for (const int64_t delta : metric.deltas[side]) {
            count += delta;
            CHECK(count > 0);
            counted += static_cast<uint64_t>(count);
          }
        }
        CHECK(counted == metric.sample_count);
        for (const Sample& sample : text.samples) {
          std::map<std::string, std::string> labels = sample.labels;
          if (sample.name == family.name + "_bucket" && labels.erase("le") > 0 && labels == metric.labels) ++samples;
        }
      }
    }
    CHECK(samples == text.samples.size());
  }
}

TEST_CASE("A message that ends where the buffer has to grow is kept") {
  ByteWriter bytes;
  ProtobufWriter writer(bytes);
  std::string expected;
  for (int i = 0; i < 2'000; ++i) {
    const auto message = writer.Begin(1);
    writer.Uint(2, 5);
    writer.End(message);
    expected += "\x0a\x02\x10\x05";
    REQUIRE(bytes.view() == expected);
  }
}

TEST_CASE("Messages of every length have the length in front") {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{120}, size_t{124}, size_t{125}, size_t{126}, size_t{127},
                            size_t{200}, size_t{16'380}, size_t{20'000}, size_t{3'000'000}}) {
    ByteWriter bytes;
    ProtobufWriter writer(bytes);
    const auto outer = writer.Begin(0);
    const auto inner = writer.Begin(5);
    writer.Bytes(1, std::string(size, 'x'));
    writer.End(inner);
    writer.Uint(6, 7);
    writer.End(outer);
    const char* at = bytes.view().data();
    const char* const end = at + bytes.size();
    const uint64_t length = protozero::decode_varint(&at, end);
    CHECK(length == static_cast<uint64_t>(end - at));
    protozero::pbf_reader message(at, static_cast<size_t>(end - at));
    REQUIRE(message.next(5));
    protozero::pbf_reader nested = message.get_message();
    REQUIRE(nested.next(1));
    CHECK(nested.get_view().size() == size);
    REQUIRE(message.next(6));
    CHECK(message.get_uint64() == 7);
    CHECK_FALSE(message.next());
  }
}

}  // namespace
}  // namespace isotel::exposition

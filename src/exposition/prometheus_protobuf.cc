#include "exposition/prometheus_protobuf.h"

#include "base/json_text.h"
#include "base/protobuf_writer.h"
#include "metrics/bounds.h"
#include "metrics/labels.h"

namespace isotel::exposition {
namespace {

using metrics::Exemplar;
using metrics::Kind;
using metrics::Point;

// Field numbers by message.
enum FamilyField : uint32_t { kName = 1, kHelp = 2, kType = 3, kMetric = 4, kUnit = 5 };
enum MetricField : uint32_t { kLabel = 1, kGauge = 2, kCounter = 3, kSummary = 4, kHistogram = 7 };
enum PairField : uint32_t { kPairName = 1, kPairValue = 2 };
enum ValueField : uint32_t { kValue = 1, kCounterExemplar = 2, kCounterCreated = 3 };
enum HistogramField : uint32_t {
  kSampleCount = 1,
  kSampleSum = 2,
  kBucket = 3,
  kSchema = 5,
  kZeroThreshold = 6,
  kZeroCount = 7,
  kNegativeSpan = 9,
  kNegativeDelta = 10,
  kPositiveSpan = 12,
  kPositiveDelta = 13,
  kHistogramCreated = 15,
  kExemplars = 16,
};
enum BucketField : uint32_t { kCumulativeCount = 1, kUpperBound = 2, kBucketExemplar = 3 };
enum SpanField : uint32_t { kOffset = 1, kLength = 2 };
enum ExemplarField : uint32_t { kExemplarLabel = 1, kExemplarValue = 2, kExemplarTime = 3 };
enum TimeField : uint32_t { kSeconds = 1, kNanos = 2 };
enum MetricType : uint32_t { kTypeCounter = 0, kTypeGauge = 1, kTypeSummary = 2, kTypeHistogram = 4 };

class ProtobufRenderer {
 public:
  explicit ProtobufRenderer(ByteWriter& writer) : out_(writer) {}

  void Family(const ExposedFamily& family) {
    // Prometheus adds up native histograms of different schemas. It would add a bucket to a histogram without any.
    const bool is_summary = family.is_superseded && family.kind == Kind::kHistogram;
    const auto message = out_.Begin(0);
    // Prometheus does not change names in this format.
    out_.Bytes(kName, family.kind == Kind::kCounter ? family.name + "_total" : family.name);
    out_.Bytes(kHelp, family.help);
    out_.Uint(kType, is_summary                          ? kTypeSummary
                     : metrics::IsHistogram(family.kind) ? kTypeHistogram
                     : metrics::IsGauge(family.kind)     ? kTypeGauge
                                                         : kTypeCounter);
    for (const ExposedSeries& series : family.series) Metric(family, is_summary, series);
    if (!family.unit.empty()) out_.Bytes(kUnit, family.unit);
    out_.End(message);
  }

 private:
  void Metric(const ExposedFamily& family, bool is_summary, const ExposedSeries& series) {
    const Kind kind = family.kind;
    const auto message = out_.Begin(kMetric);
    metrics::LabelIterator labels(*series.keys, series.labels);
    for (std::string_view key, value; labels.Next(key, value);) Pair(kLabel, key, value);
    if (!family.definition.empty()) Pair(kLabel, kDefinitionLabel, family.definition);
    const Point& point = *series.point;
    if (is_summary) {
      const auto summary = out_.Begin(kSummary);
      SumAndCount(point);
      out_.End(summary);
      out_.End(message);
      return;
    }
    const auto value = out_.Begin(metrics::IsHistogram(kind) ? kHistogram : metrics::IsGauge(kind) ? kGauge : kCounter);
    if (metrics::IsHistogram(kind)) {
      Histogram(point, *series.declaration);
    } else {
      out_.Double(kValue, metrics::IsSum(kind) ? point.sum.ToDouble() : point.value);
      if (kind == Kind::kCounter) {
        if (!point.exemplars.list().empty()) WriteExemplar(kCounterExemplar, point.exemplars.list().front());
        if (point.unix_ms > 0) Time(kCounterCreated, point.unix_ms);
      }
    }
    out_.End(value);
    out_.End(message);
  }

  void Histogram(const Point& point, const metrics::Declaration& declaration) {
    SumAndCount(point);
    if (point.exponential) {
      Native(point, declaration);
    } else {
      Classic(point, declaration.bounds);
    }
    if (point.unix_ms > 0) Time(kHistogramCreated, point.unix_ms);
  }

  // The fields have the same numbers in a summary.
  void SumAndCount(const Point& point) {
    out_.Uint(kSampleCount, point.Count());
    out_.Double(kSampleSum, point.sum.ToDouble());
  }

  void Classic(const Point& point, const std::vector<double>& bounds) {
    uint64_t count = 0;
    const std::vector<Exemplar>& exemplars = point.exemplars.list();
    size_t exemplar = 0;
    for (size_t i = 0; i < point.counts.size(); ++i) {
      count += point.counts[i];
      const auto bucket = out_.Begin(kBucket);
      out_.Uint(kCumulativeCount, count);
      out_.Double(kUpperBound, i < bounds.size() ? bounds[i] : 1 / 0.0);
      if (exemplar < exemplars.size() &&
          metrics::BucketOf(bounds.data(), bounds.size(), exemplars[exemplar].value) == i) {
        WriteExemplar(kBucketExemplar, exemplars[exemplar++]);
      }
      out_.End(bucket);
    }
  }

  void Native(const Point& point, const metrics::Declaration& declaration) {
    const metrics::Exponential& exponential = *point.exponential;
    out_.Sint(kSchema, exponential.schema());
    out_.Double(kZeroThreshold, declaration.zero_threshold);
    out_.Uint(kZeroCount, exponential.zero_count());
    Side(exponential.negative(), kNegativeSpan, kNegativeDelta);
    Side(exponential.positive(), kPositiveSpan, kPositiveDelta);
    // Prometheus would parse a histogram without spans as a classic histogram without buckets.
    if (exponential.negative().counts.empty() && exponential.positive().counts.empty()) {
      Span(kPositiveSpan, 0, 0);
    }
    for (const Exemplar& exemplar : point.exemplars.list()) WriteExemplar(kExemplars, exemplar);
  }

  void Side(const metrics::Buckets& buckets, uint32_t span_field, uint32_t delta_field) {
    const std::vector<uint64_t>& counts = buckets.counts;
    // The first offset is a bucket number, the others are gaps.
    int64_t offset = buckets.first;
    for (size_t at = 0; at < counts.size();) {
      if (counts[at] == 0) {
        ++at;
        ++offset;
        continue;
      }
      const size_t start = at;
      while (at < counts.size() && counts[at] != 0) ++at;
      Span(span_field, offset, at - start);
      offset = 0;
    }
    uint64_t before = 0;
    for (const uint64_t count : counts) {
      if (count == 0) continue;
      out_.Sint(delta_field, static_cast<int64_t>(count - before));
      before = count;
    }
  }

  void Span(uint32_t field, int64_t offset, uint64_t length) {
    const auto message = out_.Begin(field);
    out_.Sint(kOffset, offset);
    out_.Uint(kLength, length);
    out_.End(message);
  }

  void Pair(uint32_t field, std::string_view name, std::string_view value) {
    const auto message = out_.Begin(field);
    out_.Bytes(kPairName, name);
    out_.Bytes(kPairValue, value);
    out_.End(message);
  }

  void WriteExemplar(uint32_t field, const Exemplar& exemplar) {
    const auto message = out_.Begin(field);
    if (exemplar.trace_id != decltype(exemplar.trace_id){}) {
      Pair(kExemplarLabel, "trace_id", Hex(exemplar.trace_id));
      Pair(kExemplarLabel, "span_id", Hex(exemplar.span_id));
    }
    out_.Double(kExemplarValue, exemplar.value);
    Time(kExemplarTime, exemplar.unix_ms);
    out_.End(message);
  }

  template <size_t N>
  std::string_view Hex(const std::array<uint8_t, N>& id) {
    hex_.Clear();
    WriteHex(BytesOf(id), hex_);
    return hex_.view();
  }

  void Time(uint32_t field, uint64_t unix_ms) {
    const auto message = out_.Begin(field);
    out_.Uint(kSeconds, unix_ms / 1000);
    out_.Uint(kNanos, unix_ms % 1000 * 1'000'000);
    out_.End(message);
  }

  ProtobufWriter out_;
  ByteWriter hex_;
};

}  // namespace

void RenderProtobuf(const ExposedFamilies& exposed, ByteWriter& writer) {
  ProtobufRenderer renderer(writer);
  for (const ExposedFamily& family : exposed.families()) renderer.Family(family);
}

}  // namespace isotel::exposition

#include "otlp/metrics.h"

#include <algorithm>
#include <array>
#include <utility>

#include "otlp/json_sink.h"
#include "otlp/metric_delta.h"
#include "otlp/metric_fields.h"
#include "otlp/protobuf_sink.h"
#include "otlp/request_encoder.h"
#include "otlp/span_identity.h"

namespace isotel::otlp {
namespace {

using metrics::Exemplar;
using metrics::Kind;
using metrics::Snapshot;
using metrics::Store;

constexpr Signal kMetrics{"resourceMetrics", "scopeMetrics", {2, "metrics"}};

constexpr std::string_view kOverflowAttribute = "otel.metric.overflow";

enum ProtoTemporality : uint32_t { kProtoDelta = 1, kProtoCumulative = 2 };

// Only a forged snapshot has a time that does not fit into nanoseconds.
uint64_t NanoOf(uint64_t unix_ms) { return ToUnixNano(static_cast<double>(unix_ms)); }

// Finds the points of a store in order.
class PointFinder {
 public:
  explicit PointFinder(const Store* store) : store_(store) {
    if (store != nullptr) order_ = store->Sorted();
  }

  // Returns the point of a series, or null. Call it with series in ascending order.
  const metrics::Point* Find(std::string_view family, std::string_view labels) {
    for (; at_ < order_.size(); ++at_) {
      const metrics::Series& series = store_->series()[order_[at_]];
      const std::string_view bytes = store_->families()[series.family]->bytes;
      if (bytes < family) continue;
      if (bytes != family) return nullptr;
      const std::string_view own = store_->LabelsOf(series);
      if (own < labels) continue;
      return own == labels && !series.point.empty() ? &series.point : nullptr;
    }
    return nullptr;
  }

 private:
  const Store* store_;
  std::vector<uint32_t> order_;
  size_t at_ = 0;
};

template <typename Sink>
class MetricsEncoder {
 public:
  MetricsEncoder(const Snapshot& snapshot, const MetricsOptions& options, Sink& out, const ByteWriter& writer)
      : store_(snapshot.store()),
        unix_ms_(snapshot.info().unix_ms),
        is_delta_(options.temporality == Temporality::kDelta),
        enough_bytes_(options.enough_bytes),
        before_(is_delta_ && options.before != nullptr ? &options.before->store() : nullptr),
        out_(out),
        writer_(writer) {}

  // Writes the series from `first` up to `end`, or fewer once the request is large enough. Returns the number of the
  // next series.
  uint32_t Metrics(uint32_t first, uint32_t end) {
    const std::vector<uint32_t> order = store_.Sorted();
    const size_t all = std::min<size_t>(end, order.size());
    size_t at = std::min<size_t>(first, all);
    while (at < all && !IsEnough()) {
      const uint32_t family = store_.series()[order[at]].family;
      BeginFamily(*store_.families()[family]);
      for (; at < all && store_.series()[order[at]].family == family && !IsEnough(); ++at) {
        Series(store_.series()[order[at]]);
      }
      EndFamily();
    }
    return static_cast<uint32_t>(at);
  }

  [[nodiscard]] uint32_t points() const { return points_; }

 private:
  [[nodiscard]] bool IsEnough() const { return out_.full() || (points_ > 0 && writer_.size() >= enough_bytes_); }

  void BeginFamily(const metrics::Family& family) {
    family_ = &family;
    is_open_ = false;
    encoded_keys_.clear();
    key_bytes_.Clear();
    for (const std::string& key : family.declaration.label_keys) AddKey(key);
    AddKey(kOverflowAttribute);
  }

  void AddKey(std::string_view key) {
    const size_t start = key_bytes_.size();
    Sink::EncodeKey(key, key_bytes_);
    encoded_keys_.push_back({start, key_bytes_.size() - start});
  }

  [[nodiscard]] std::string_view EncodedKey(size_t index) const {
    return key_bytes_.view().substr(encoded_keys_[index].first, encoded_keys_[index].second);
  }

  // Begins the messages around the points, before the first point.
  void Open() {
    if (is_open_) return;
    is_open_ = true;
    const metrics::Declaration& declaration = family_->declaration;
    metric_ = out_.BeginElement(kMetrics.items, 2);
    out_.Text(metric::kName, declaration.name);
    out_.Text(metric::kDescription, declaration.help);
    out_.Text(metric::kUnit, declaration.unit);
    data_ = out_.Begin(DataField(declaration.kind), 2);
    out_.OpenList(data::kPoints);
  }

  void EndFamily() {
    if (!is_open_) return;
    out_.CloseList();
    const Kind kind = family_->declaration.kind;
    if (!metrics::IsGauge(kind)) out_.Uint(data::kTemporality, is_delta_ ? kProtoDelta : kProtoCumulative);
    if (kind == Kind::kCounter) out_.Bool(data::kIsMonotonic, true);
    out_.End(data_);
    out_.End(metric_);
  }

  static Field DataField(Kind kind) {
    if (metrics::IsGauge(kind)) return metric::kGauge;
    if (kind == Kind::kHistogram) return metric::kHistogram;
    return kind == Kind::kCounter ? metric::kSum : metric::kExponentialHistogram;
  }

  void Series(const metrics::Series& series) {
    const metrics::Point& point = series.point;
    if (point.empty()) return;
    const Kind kind = family_->declaration.kind;
    const std::string_view labels = store_.LabelsOf(series);
    if (metrics::IsGauge(kind)) {
      Open();
      ++points_;
      const auto mark = out_.BeginElement(data::kPoints);
      out_.Fixed64(kTime, NanoOf(unix_ms_));
      out_.DoubleValue(number::kAsDouble, kind == Kind::kGaugeSum ? point.sum.ToDouble() : point.value);
      Attributes(number::kAttributes, labels);
      out_.End(mark);
      return;
    }
    DataPoint value = WholePoint(point, kind);
    const metrics::Point* before = before_.Find(family_->bytes, labels);
    if (before != nullptr && Subtract(*before, kind, value) && IsUnchanged(kind, value)) return;
    Open();
    ++points_;
    const auto mark = out_.BeginElement(data::kPoints, 2);
    out_.Fixed64(kStartTime, NanoOf(value.start_unix_ms));
    out_.Fixed64(kTime, NanoOf(unix_ms_));
    if (kind == Kind::kCounter) {
      Counter(value.sum);
      Attributes(number::kAttributes, labels);
      Exemplars(number::kExemplars, point, value);
    } else {
      out_.Fixed64(kCount, value.count);
      out_.DoubleValue(kPointSum, value.sum.ToDouble());
      kind == Kind::kHistogram ? Explicit(value, labels) : Exponential(value, labels);
      Exemplars(kind == Kind::kHistogram ? histogram::kExemplars : exponential::kExemplars, point, value);
    }
    out_.End(mark);
  }

  static bool IsUnchanged(Kind kind, const DataPoint& value) {
    return kind == Kind::kCounter ? value.sum == metrics::Sum() : value.count == 0;
  }

  // Writes a double, so that all points of a counter have one type. Writes an integer if a double is not exact.
  void Counter(const metrics::Sum& sum) {
    constexpr int64_t kMaxSafe = int64_t{1} << 53;
    int64_t whole = 0;
    if (sum.IsWhole(whole) && (whole > kMaxSafe || whole < -kMaxSafe)) {
      out_.SignedFixed64Value(number::kAsInt, whole);
    } else {
      out_.DoubleValue(number::kAsDouble, sum.ToDouble());
    }
  }

  void Explicit(const DataPoint& value, std::string_view labels) {
    out_.PackedFixed64(histogram::kBucketCounts, value.counts);
    out_.PackedDouble(histogram::kExplicitBounds, family_->declaration.bounds);
    Attributes(histogram::kAttributes, labels);
  }

  void Exponential(const DataPoint& value, std::string_view labels) {
    out_.Sint(exponential::kScale, value.scale);
    out_.Fixed64(exponential::kZeroCount, value.zero_count);
    Side(exponential::kPositive, value.positive);
    Side(exponential::kNegative, value.negative);
    const double zero_threshold = family_->declaration.zero_threshold;
    if (zero_threshold > 0) out_.DoubleValue(exponential::kZeroThreshold, zero_threshold);
    Attributes(exponential::kAttributes, labels);
  }

  void Side(Field field, const metrics::Buckets& buckets) {
    if (buckets.counts.empty()) return;
    const auto mark = out_.Begin(field);
    out_.Sint(exponential::kOffset, buckets.first - 1);
    out_.PackedUint(exponential::kBucketCounts, buckets.counts);
    out_.End(mark);
  }

  void Attributes(Field field, std::string_view labels) {
    const std::vector<std::string>& keys = family_->declaration.label_keys;
    if (keys.empty()) return;
    out_.OpenList(field);
    if (labels.empty()) out_.BoolAttribute(field, EncodedKey(keys.size()), true);
    ByteReader reader(labels);
    for (size_t i = 0; i < keys.size() && !labels.empty(); ++i) {
      const std::string_view value = reader.Bytes();
      if (!value.empty()) out_.TextAttribute(field, EncodedKey(i), value);
    }
    out_.CloseList();
  }

  void Exemplars(Field field, const metrics::Point& point, const DataPoint& value) {
    bool is_first = true;
    for (const Exemplar& one : point.exemplars.list()) {
      if (one.unix_ms <= value.exemplars_after_unix_ms && value.exemplars_after_unix_ms > 0) continue;
      if (is_first) out_.OpenList(field);
      is_first = false;
      const auto mark = out_.BeginElement(field);
      out_.Fixed64(exemplar::kTime, NanoOf(one.unix_ms));
      out_.DoubleValue(exemplar::kAsDouble, one.value);
      if (one.trace_id != decltype(one.trace_id){}) {
        out_.Id(exemplar::kTraceId, BytesOf(one.trace_id));
        out_.Id(exemplar::kSpanId, BytesOf(one.span_id));
      }
      out_.End(mark);
    }
    if (!is_first) out_.CloseList();
  }

  const Store& store_;
  uint64_t unix_ms_;
  bool is_delta_;
  size_t enough_bytes_;
  PointFinder before_;
  Sink& out_;
  const ByteWriter& writer_;
  uint32_t points_ = 0;
  const metrics::Family* family_ = nullptr;
  bool is_open_ = false;
  typename Sink::Mark metric_;
  typename Sink::Mark data_;
  ByteWriter key_bytes_;
  std::vector<std::pair<size_t, size_t>> encoded_keys_;
};

template <typename Sink>
EncodedMetrics Encode(BatchReader& head, const Snapshot& snapshot, const MetricsOptions& options, ByteWriter& writer) {
  Sink out(writer);
  EncodedMetrics encoded;
  encoded.request = EncodeRequest(head, out, writer, kMetrics, [&](ValueEncoder<Sink>& /*values*/) {
    MetricsEncoder<Sink> metrics(snapshot, options, out, writer);
    encoded.next = metrics.Metrics(options.first, options.end);
    encoded.points = metrics.points();
  });
  return encoded;
}

}  // namespace

EncodedMetrics EncodeMetrics(BatchReader& head, const Snapshot& snapshot, const MetricsOptions& options,
                             ByteWriter& out) {
  return options.format == Format::kJson ? Encode<JsonSink>(head, snapshot, options, out)
                                         : Encode<ProtobufSink>(head, snapshot, options, out);
}

}  // namespace isotel::otlp

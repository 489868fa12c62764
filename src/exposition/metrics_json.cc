#include "exposition/metrics_json.h"

#include "base/json_text.h"
#include "base/number_text.h"
#include "exposition/conflicts.h"
#include "metrics/labels.h"

namespace isotel::exposition {
namespace {

using metrics::Kind;
using metrics::Point;

// Names in JSON are not escaped. So metrics whose names differ here may have one name in another format.
bool SharesName(const std::vector<NamedMetric>& named, size_t number) {
  for (size_t i = 0; i < named.size(); ++i) {
    if (i != number && ShareNames(named[i], named[number])) return true;
  }
  return false;
}

class JsonRenderer {
 public:
  explicit JsonRenderer(ByteWriter& writer) : out_(writer) {}

  void Document(const ExposedFamilies& exposed) {
    std::vector<NamedMetric> named;
    for (const ExposedFamily& family : exposed.families()) named.push_back(NamedMetricOf(*family.declaration));
    out_.Raw("{\"families\":[");
    const char* separator = "";
    for (size_t number = 0; number < named.size(); ++number) {
      const ExposedFamily& family = exposed.families()[number];
      out_.Raw(separator);
      separator = ",";
      out_.Raw("{\"name\":");
      Text(family.name);
      out_.Raw(",\"declared_name\":");
      Text(family.declaration->name);
      out_.Raw(",\"type\":");
      Text(metrics::Info(family.kind).text);
      out_.Raw(",\"unit\":");
      Text(family.unit);
      out_.Raw(",\"help\":");
      Text(family.help);
      if (!family.definition.empty()) {
        out_.Raw(",\"definition\":");
        Text(family.definition);
      }
      if (family.is_superseded) out_.Raw(",\"superseded\":true");
      if (SharesName(named, number)) out_.Raw(",\"conflict\":true");
      if (family.written_unix_ms != 0) {
        out_.Raw(",\"since_unix_ms\":");
        Uint(family.since_unix_ms);
        out_.Raw(",\"written_unix_ms\":");
        Uint(family.written_unix_ms);
      }
      out_.Raw(",\"series\":[");
      for (size_t i = 0; i < family.series.size(); ++i) {
        if (i > 0) out_.Byte(',');
        Series(family.kind, family.series[i]);
      }
      out_.Raw("]}");
    }
    out_.Raw("]}\n");
  }

 private:
  void Series(Kind kind, const ExposedSeries& series) {
    out_.Raw("{\"labels\":{");
    metrics::LabelIterator labels(*series.keys, series.labels);
    const char* separator = "";
    for (std::string_view key, value; labels.Next(key, value);) {
      out_.Raw(separator);
      separator = ",";
      Text(key);
      out_.Byte(':');
      Text(value);
    }
    out_.Raw(metrics::IsGauge(kind) ? "},\"updated_unix_ms\":" : "},\"created_unix_ms\":");
    const Point& point = *series.point;
    Uint(point.unix_ms);
    if (metrics::IsHistogram(kind)) {
      out_.Raw(",\"count\":");
      Uint(point.Count());
      out_.Raw(",\"sum\":");
      Value(point.sum);
      point.exponential ? Exponential(*point.exponential, series.declaration->zero_threshold)
                        : Buckets(point, series.declaration->bounds);
    } else {
      out_.Raw(",\"value\":");
      metrics::IsSum(kind) ? Value(point.sum) : Number(point.value);
    }
    out_.Byte('}');
  }

  void Buckets(const Point& point, const std::vector<double>& bounds) {
    out_.Raw(",\"buckets\":[");
    uint64_t count = 0;
    for (size_t i = 0; i < point.counts.size(); ++i) {
      out_.Raw(i == 0 ? "[" : ",[");
      i < bounds.size() ? Number(bounds[i]) : out_.Raw("\"+Inf\"");
      out_.Byte(',');
      Uint(count += point.counts[i]);
      out_.Byte(']');
    }
    out_.Byte(']');
  }

  void Exponential(const metrics::Exponential& exponential, double zero_threshold) {
    out_.Raw(",\"schema\":");
    Number(exponential.schema());
    out_.Raw(",\"zero_threshold\":");
    Number(zero_threshold);
    out_.Raw(",\"zero_count\":");
    Uint(exponential.zero_count());
    out_.Raw(",\"positive\":");
    Side(exponential.positive());
    out_.Raw(",\"negative\":");
    Side(exponential.negative());
  }

  void Side(const metrics::Buckets& buckets) {
    out_.Raw("{\"first\":");
    Number(buckets.counts.empty() ? 0 : buckets.first);
    out_.Raw(",\"counts\":[");
    for (size_t i = 0; i < buckets.counts.size(); ++i) {
      if (i > 0) out_.Byte(',');
      Uint(buckets.counts[i]);
    }
    out_.Raw("]}");
  }

  void Value(const metrics::Sum& sum) {
    int64_t whole = 0;
    if (!sum.IsWhole(whole)) return Number(sum.ToDouble());
    char* const start = out_.Reserve(kMaxNumberBytes);
    out_.Advance(static_cast<size_t>(WriteInt(whole, start) - start));
  }

  void Number(double value) {
    const bool finite = value - value == 0;
    if (!finite) out_.Byte('"');
    char* const start = out_.Reserve(kMaxNumberBytes);
    out_.Advance(static_cast<size_t>(WriteDouble(value, NumberStyle::kShort, start) - start));
    if (!finite) out_.Byte('"');
  }

  void Uint(uint64_t value) {
    char* const start = out_.Reserve(kMaxNumberBytes);
    out_.Advance(static_cast<size_t>(WriteUint(value, start) - start));
  }

  void Text(std::string_view text) { WriteQuoted(text, out_); }

  ByteWriter& out_;
};

}  // namespace

void RenderJson(const ExposedFamilies& exposed, ByteWriter& writer) { JsonRenderer(writer).Document(exposed); }

}  // namespace isotel::exposition

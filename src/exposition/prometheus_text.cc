#include "exposition/prometheus_text.h"

#include "base/json_text.h"
#include "base/number_text.h"
#include "metrics/bounds.h"
#include "metrics/labels.h"

namespace isotel::exposition {
namespace {

using metrics::Exemplar;
using metrics::Kind;
using metrics::Point;

void AppendEscaped(ByteWriter& out, std::string_view text, bool quotes) {
  size_t copied = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool is_special = c == '\n' || c == '\\' || (quotes && c == '"');
    if (!is_special) continue;
    out.Raw(text.substr(copied, at - copied));
    out.Byte('\\');
    out.Byte(static_cast<uint8_t>(c == '\n' ? 'n' : c));
    copied = at + 1;
  }
  out.Raw(text.substr(copied));
}

void AppendQuoted(ByteWriter& out, std::string_view text) {
  out.Byte('"');
  AppendEscaped(out, text, true);
  out.Byte('"');
}

class TextRenderer {
 public:
  TextRenderer(bool open_metrics, ByteWriter& writer) : open_metrics_(open_metrics), out_(writer) {}

  // With `is_next`, `family` is another variant of the one before.
  void Family(const ExposedFamily& family, bool is_next) {
    plain_ = IsPlainName(family.name, true);
    name_ = family.name;
    definition_ = family.definition;
    is_superseded_ = family.is_superseded;
    const std::string_view total = family.kind == Kind::kCounter ? "_total" : "";
    // OpenMetrics names a counter without the suffix of its samples. The name of another family cannot be repeated.
    const bool is_unknown = open_metrics_ && family.has_shared_name;
    const std::string_view suffix = open_metrics_ && !is_unknown ? "" : total;
    if (!is_next) {
      if (!open_metrics_ && !family.help.empty()) Comment("HELP ", suffix, family.help, false);
      const std::string_view type = is_unknown ? "unknown" : metrics::Info(family.kind).prometheus_type;
      Comment("TYPE ", suffix, type, false);
      if (open_metrics_ && !family.unit.empty() && !is_unknown) Comment("UNIT ", suffix, family.unit, false);
      if (open_metrics_ && !family.help.empty()) Comment("HELP ", suffix, family.help, true);
    }
    const std::vector<double>* bounds = nullptr;
    for (const ExposedSeries& series : family.series) {
      Labels(series);
      const Point& point = *series.point;
      if (family.kind == Kind::kHistogram) {
        if (bounds == nullptr || *bounds != series.declaration->bounds) {
          bounds = &series.declaration->bounds;
          PrepareBounds(*bounds);
        }
        Histogram(point, *bounds);
      } else if (family.kind == Kind::kExponentialHistogram) {
        ExponentialHistogram(point, *series.declaration);
        bounds = nullptr;
      } else {
        Head(total, false, out_);
        metrics::IsSum(family.kind) ? Value(point.sum) : Number(point.value);
        if (family.kind == Kind::kCounter && !is_unknown && !point.exemplars.list().empty()) {
          WriteExemplar(point.exemplars.list().front());
        }
        out_.Byte('\n');
      }
      const bool has_created = open_metrics_ && !is_unknown && !metrics::IsGauge(family.kind);
      if (has_created && point.unix_ms > 0) Created(point.unix_ms);
    }
  }

 private:
  void Comment(std::string_view word, std::string_view suffix, std::string_view text, bool quotes) {
    out_.Raw("# ");
    out_.Raw(word);
    if (plain_) {
      out_.Raw(name_);
      out_.Raw(suffix);
    } else {
      out_.Byte('"');
      AppendEscaped(out_, name_, true);
      out_.Raw(suffix);
      out_.Byte('"');
    }
    out_.Byte(' ');
    AppendEscaped(out_, text, quotes);
    out_.Byte('\n');
  }

  void Labels(const ExposedSeries& series) {
    labels_.Clear();
    metrics::LabelIterator labels(*series.keys, series.labels);
    for (std::string_view key, value; labels.Next(key, value);) {
      if (labels_.size() > 0) labels_.Byte(',');
      if (IsPlainName(key, false)) {
        labels_.Raw(key);
      } else {
        AppendQuoted(labels_, key);
      }
      labels_.Byte('=');
      AppendQuoted(labels_, value);
    }
    if (definition_.empty()) return;
    if (labels_.size() > 0) labels_.Byte(',');
    labels_.Raw(kDefinitionLabel);
    labels_.Byte('=');
    AppendQuoted(labels_, definition_);
  }

  // Writes the part of a sample before its value. With `open`, writes the part before the label `le`.
  void Head(std::string_view suffix, bool open, ByteWriter& out) {
    const bool labelled = labels_.size() > 0;
    if (plain_) {
      out.Raw(name_);
      out.Raw(suffix);
      if (open || labelled) out.Byte('{');
    } else {
      out.Raw("{\"");
      AppendEscaped(out, name_, true);
      out.Raw(suffix);
      out.Byte('"');
      if (open || labelled) out.Byte(',');
    }
    out.Raw(labels_.view());
    if (open) {
      if (labelled) out.Byte(',');
      return;
    }
    if (labelled || !plain_) out.Byte('}');
    out.Byte(' ');
  }

  void AddBound(double bound) {
    char text[kMaxNumberBytes];
    const char* end = WriteDouble(bound, open_metrics_ ? NumberStyle::kFloat : NumberStyle::kShort, text);
    bounds_ += "le=\"";
    bounds_.append(text, static_cast<size_t>(end - text));
    bounds_ += "\"} ";
    bound_ends_.push_back(bounds_.size());
  }

  void ClearBounds() {
    bounds_.clear();
    bound_ends_.clear();
  }

  void PrepareBounds(const std::vector<double>& bounds) {
    ClearBounds();
    for (const double bound : bounds) AddBound(bound);
    bounds_ += "le=\"+Inf\"} ";
    bound_ends_.push_back(bounds_.size());
  }

  // `cumulative` returns the count of each bound, the last for +Inf. Exemplars are sorted by value.
  template <typename Cumulative>
  void BucketLines(const Point& point, const std::vector<double>* bounds, Cumulative&& cumulative) {
    prefix_.Clear();
    Head("_bucket", true, prefix_);
    const std::vector<Exemplar>& exemplars = point.exemplars.list();
    size_t exemplar = 0;
    size_t start = 0;
    for (size_t i = 0; i < bound_ends_.size(); ++i) {
      const size_t end = bound_ends_[i];
      char* const line = out_.Reserve(prefix_.size() + (end - start) + kMaxNumberBytes + 1);
      char* at = line;
      CopyBytes(at, prefix_.data(), prefix_.size());
      at += prefix_.size();
      CopyBytes(at, bounds_.data() + start, end - start);
      at = WriteUint(cumulative(i), at + (end - start));
      if (bounds != nullptr && exemplar < exemplars.size() &&
          metrics::BucketOf(bounds->data(), bounds->size(), exemplars[exemplar].value) == i) {
        out_.Advance(static_cast<size_t>(at - line));
        WriteExemplar(exemplars[exemplar++]);
        out_.Byte('\n');
      } else {
        *at++ = '\n';
        out_.Advance(static_cast<size_t>(at - line));
      }
      start = end;
    }
  }

  void Histogram(const Point& point, const std::vector<double>& bounds) {
    uint64_t count = 0;
    if (is_superseded_) return SumAndCount(point, point.Count());
    BucketLines(point, &bounds, [&](size_t bucket) { return count += point.counts[bucket]; });
    SumAndCount(point, count);
  }

  void ExponentialHistogram(const Point& point, const metrics::Declaration& declaration) {
    if (is_superseded_) return SumAndCount(point, point.Count());
    metrics::Exponential coarse = *point.exponential;
    coarse.CoarsenTo(0);
    ClearBounds();
    std::vector<uint64_t> cumulative;
    uint64_t count = 0;
    const auto add = [&](double bound, uint64_t n) {
      count += n;
      if (bound - bound != 0) return;
      AddBound(bound);
      cumulative.push_back(count);
    };
    const metrics::Buckets& negative = coarse.negative();
    for (size_t i = negative.counts.size(); i-- > 0;) {
      add(-metrics::UpperBound(negative.first + static_cast<int32_t>(i) - 1, coarse.schema()), negative.counts[i]);
    }
    if (coarse.zero_count() > 0) add(declaration.zero_threshold, coarse.zero_count());
    const metrics::Buckets& positive = coarse.positive();
    for (size_t i = 0; i < positive.counts.size(); ++i) {
      add(metrics::UpperBound(positive.first + static_cast<int32_t>(i), coarse.schema()), positive.counts[i]);
    }
    bounds_ += "le=\"+Inf\"} ";
    bound_ends_.push_back(bounds_.size());
    cumulative.push_back(count);
    BucketLines(point, nullptr, [&](size_t bucket) { return cumulative[bucket]; });
    SumAndCount(point, count);
  }

  void SumAndCount(const Point& point, uint64_t count) {
    Head("_sum", false, out_);
    Value(point.sum);
    out_.Byte('\n');
    Head("_count", false, out_);
    char* const start = out_.Reserve(kMaxNumberBytes);
    out_.Advance(static_cast<size_t>(WriteUint(count, start) - start));
    out_.Byte('\n');
  }

  // Writes all digits of a whole sum, also past 2^53.
  void Value(const metrics::Sum& sum) {
    int64_t whole = 0;
    if (!sum.IsWhole(whole)) return Number(sum.ToDouble());
    char* const start = out_.Reserve(kMaxNumberBytes);
    out_.Advance(static_cast<size_t>(WriteInt(whole, start) - start));
  }

  void Number(double value) {
    char* const start = out_.Reserve(kMaxNumberBytes);
    out_.Advance(static_cast<size_t>(WriteDouble(value, NumberStyle::kShort, start) - start));
  }

  void Seconds(uint64_t unix_ms) {
    char* const start = out_.Reserve(kMaxNumberBytes);
    char* at = WriteUint(unix_ms / 1000, start);
    const auto part = static_cast<uint32_t>(unix_ms % 1000);
    *at++ = '.';
    *at++ = static_cast<char>('0' + part / 100);
    *at++ = static_cast<char>('0' + part / 10 % 10);
    *at++ = static_cast<char>('0' + part % 10);
    out_.Advance(static_cast<size_t>(at - start));
  }

  void Created(uint64_t unix_ms) {
    Head("_created", false, out_);
    Seconds(unix_ms);
    out_.Byte('\n');
  }

  void WriteExemplar(const Exemplar& exemplar) {
    if (!open_metrics_) return;
    out_.Raw(" # {");
    if (exemplar.trace_id != decltype(exemplar.trace_id){}) {
      out_.Raw("trace_id=\"");
      WriteHex(BytesOf(exemplar.trace_id), out_);
      out_.Raw("\",span_id=\"");
      WriteHex(BytesOf(exemplar.span_id), out_);
      out_.Byte('"');
    }
    out_.Raw("} ");
    Number(exemplar.value);
    out_.Byte(' ');
    Seconds(exemplar.unix_ms);
  }

  bool open_metrics_;
  ByteWriter& out_;
  bool plain_ = true;
  std::string_view name_;
  std::string_view definition_;
  bool is_superseded_ = false;
  ByteWriter labels_;
  // The common prefix of the bucket samples of a series.
  ByteWriter prefix_;
  // `le="..."} ` of each bucket, one after another.
  std::string bounds_;
  std::vector<size_t> bound_ends_;
};

}  // namespace

void RenderText(const ExposedFamilies& exposed, bool open_metrics, ByteWriter& writer) {
  TextRenderer renderer(open_metrics, writer);
  const ExposedFamily* before = nullptr;
  for (const ExposedFamily& family : exposed.families()) {
    const bool is_next = before != nullptr && before->name == family.name &&
                         metrics::Info(before->kind).prometheus_type == metrics::Info(family.kind).prometheus_type;
    renderer.Family(family, is_next);
    before = &family;
  }
  if (open_metrics) writer.Raw("# EOF\n");
}

}  // namespace isotel::exposition

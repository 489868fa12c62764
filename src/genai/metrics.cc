#include "genai/metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "base/limits.h"
#include "genai/usage.h"
#include "metrics/bounds.h"

namespace isotel::genai {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();
constexpr double kMsPerSecond = 1000;

double SecondsBetween(double from_unix_ms, double to_unix_ms) {
  const double seconds = (to_unix_ms - from_unix_ms) / kMsPerSecond;
  return std::isfinite(seconds) && seconds > 0 ? seconds : 0;
}

// The fields for Value::kInputTokens and the values after it, in the same order.
constexpr std::array kTokenFields{Field::kInputTokens, Field::kOutputTokens, Field::kCacheReadInputTokens,
                                  Field::kCacheCreationInputTokens, Field::kReasoningOutputTokens};

// Sets the token counts that are in the finish fields.
void AddTokens(const FieldSet& fields, SpanValues& values) {
  for (size_t i = 0; i < kTokenFields.size(); ++i) {
    if (!IsCount(fields, kTokenFields[i])) continue;
    values[static_cast<size_t>(Value::kInputTokens) + i] = fields.number[static_cast<size_t>(kTokenFields[i])];
  }
}

}  // namespace

SpanMetrics::SpanMetrics(metrics::Registry& registry, InternTable& texts, Counters& counters, uint32_t max_values)
    : registry_(registry),
      texts_(texts),
      counters_(counters),
      max_values_(max_values == 0 ? kDefaultLabelValues : max_values),
      tool_type_function_(texts.Intern("function")) {}

Result<uint32_t> SpanMetrics::Declare(bool former_names, std::string_view currency) {
  uint32_t left_out = 0;
  for (uint32_t i = 0; i < kMetricCount; ++i) {
    const MetricInfo& info = Info(static_cast<Metric>(i));
    if (info.names == MetricNames::kFormer && !former_names) continue;
    metrics::Declaration declaration = DeclarationOf(static_cast<Metric>(i));
    if (registry_.IsTaken(declaration.name)) {
      ++left_out;
      continue;
    }
    if (info.value == Value::kCost) declaration.unit = currency.empty() ? "USD" : currency;
    if (info.bounds == BoundsKind::kSeconds)
      std::copy(declaration.bounds.begin(), declaration.bounds.end(), seconds_.begin());
    const Result<uint32_t> family = registry_.Declare(std::move(declaration), 0, metrics::Registry::Origin::kBuiltIn);
    if (!family.ok()) return family.error();
    families_[i] = family.value();
    for (uint32_t operation = 0; operation < kOperationCount; ++operation) {
      if ((info.spans & SetOf(static_cast<Operation>(operation))) == 0) continue;
      metrics_[operation] |= 1U << i;
      labels_[operation] |= info.labels;
    }
  }
  return left_out;
}

void SpanMetrics::Open(Handle handle, Operation operation, Handle parent) {
  if (OpenCall* owner = Find(parent); owner != nullptr) {
    if (operation == Operation::kChat) ++owner->inference_calls;
    if (operation == Operation::kExecuteTool) ++owner->tool_calls;
  }
  if (metrics_[static_cast<size_t>(operation)] == 0) return;
  const uint32_t index = IndexOf(handle);
  if (index >= calls_.size()) calls_.resize(index + 1);
  calls_[index] = {};
  calls_[index].handle = handle;
  calls_[index].parent = parent;
  calls_[index].operation = operation;
}

SpanMetrics::OpenCall* SpanMetrics::Find(Handle handle) {
  const uint32_t index = IndexOf(handle);
  if (handle == kNoHandle || index >= calls_.size() || calls_[index].handle != handle) return nullptr;
  return &calls_[index];
}

bool SpanMetrics::IsFull(uint32_t field) const {
  const Label label = LabelOf(field);
  return label != Label::kModality && values_[static_cast<size_t>(label)] >= max_values_;
}

void SpanMetrics::Admit(uint32_t field, TextId text) {
  const Label label = LabelOf(field);
  if (label != Label::kModality) (void)AdmitValue(label, text);
}

bool SpanMetrics::AdmitValue(Label label, TextId text) {
  const auto bit = static_cast<uint8_t>(MaskOf(label));
  uint32_t& values = values_[static_cast<size_t>(label)];
  if ((admitted_[text] & bit) != 0) return true;
  if (values >= max_values_) return false;
  ++values;
  admitted_[text] |= bit;
  return true;
}

TextId SpanMetrics::LabelIn(Label label, const FieldSet& fields) {
  const Field field = FieldOf(label);
  if (!fields.Has(field)) return label == Label::kToolType ? tool_type_function_ : 0;
  const TextId text = fields.text_id[static_cast<size_t>(field)];
  if (text != 0 && text <= texts_.size() && AdmitValue(label, text)) return text;
  if (values_[static_cast<size_t>(label)] >= max_values_) counters_.Add(Counter::kLabelValuesOverflowed);
  return kOtherText;
}

void SpanMetrics::Start(Handle handle, const FieldSet& fields) {
  OpenCall* call = Find(handle);
  if (call == nullptr) return;
  // The span only records that the client runs the tool. Its duration is not the duration of the tool.
  if (fields.Has(Field::kToolRunsOnClient)) {
    call->handle = kNoHandle;
    return;
  }
  const LabelMask labels = labels_[static_cast<size_t>(call->operation)];
  for (const Label label :
       {Label::kProvider, Label::kRequestModel, Label::kAgentName, Label::kToolName, Label::kToolType}) {
    if ((labels & MaskOf(label)) != 0) call->labels[static_cast<size_t>(label)] = LabelIn(label, fields);
  }
}

void SpanMetrics::FirstChunk(Handle handle, double now_unix_ms) {
  OpenCall* call = Find(handle);
  if (call == nullptr || call->first_chunk_unix_ms > 0 || !std::isfinite(now_unix_ms)) return;
  call->first_chunk_unix_ms = call->last_chunk_unix_ms = now_unix_ms;
}

void SpanMetrics::NextChunk(Handle handle, double now_unix_ms) {
  OpenCall* call = Find(handle);
  if (call == nullptr || !(call->first_chunk_unix_ms > 0) || !std::isfinite(now_unix_ms)) return;
  const double seconds = SecondsBetween(call->last_chunk_unix_ms, now_unix_ms);
  call->last_chunk_unix_ms = now_unix_ms;
  call->gap_seconds += seconds;
  ++call->gaps;
  ++call->gaps_by_bucket[metrics::BucketOf(seconds_.data(), seconds_.size(), seconds)];
}

void SpanMetrics::End(Handle handle, const Ending& ending, const FieldSet& fields) {
  OpenCall* call = Find(handle);
  if (call == nullptr) return;
  call->handle = kNoHandle;
  // Tools that the provider ran during a model call count as tool calls of the agent.
  OpenCall* owner = call->operation == Operation::kChat ? Find(call->parent) : nullptr;
  if (owner != nullptr) owner->tool_calls += call->tool_calls;
  const LabelMask labels = labels_[static_cast<size_t>(call->operation)];
  if ((labels & MaskOf(Label::kResponseModel)) != 0) {
    call->labels[static_cast<size_t>(Label::kResponseModel)] = LabelIn(Label::kResponseModel, fields);
  }
  if (ending.outcome == trace::Outcome::kFailed) {
    const TextId type = LabelIn(Label::kErrorType, fields);
    call->labels[static_cast<size_t>(Label::kErrorType)] = type == 0 ? kOtherText : type;
  }
  Series& series = SeriesOf(*call);
  Record(*call, series, ValuesOf(*call, ending, fields), ending.end_unix_ms);
}

SpanMetrics::Series& SpanMetrics::SeriesOf(const OpenCall& call) {
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;
  auto hash = static_cast<uint64_t>(call.operation);
  for (const TextId label : call.labels) hash = (hash ^ label) * kMultiplier;
  hash ^= hash >> 32U;
  const uint32_t known = series_index_.Find(hash, [&](uint32_t number) {
    return series_[number].operation == call.operation && series_[number].labels == call.labels;
  });
  if (known != HashIndex::kNone) return series_[known];
  // A full cache is cleared. The registry still has all rows.
  if (series_.size() >= kMaxSeriesPerFamily) {
    series_.clear();
    series_index_.Clear();
  }
  Series series{call.operation, call.labels, {}};
  series.rows.fill(kNone);
  series_index_.Add(hash, static_cast<uint32_t>(series_.size()));
  series_.push_back(series);
  return series_.back();
}

SpanValues SpanMetrics::ValuesOf(const OpenCall& call, const Ending& ending, const FieldSet& fields) {
  SpanValues values;
  values.fill(kNoValue);
  const auto set = [&](Value value, double number) { values[static_cast<size_t>(value)] = number; };
  if (ending.start_unix_ms > 0) {
    if (std::isfinite(ending.end_unix_ms)) {
      set(Value::kDuration, SecondsBetween(ending.start_unix_ms, ending.end_unix_ms));
    }
    if (call.first_chunk_unix_ms > 0) {
      set(Value::kTimeToFirstChunk, SecondsBetween(ending.start_unix_ms, call.first_chunk_unix_ms));
    }
  }
  set(Value::kInferenceCalls, call.inference_calls);
  set(Value::kToolCalls, call.tool_calls);
  AddTokens(fields, values);
  if (IsCount(fields, Field::kCost)) set(Value::kCost, fields.number[static_cast<size_t>(Field::kCost)]);
  return values;
}

void SpanMetrics::Record(const OpenCall& call, Series& series, const SpanValues& values, double now_unix_ms) {
  for (uint32_t bits = metrics_[static_cast<size_t>(call.operation)]; bits != 0; bits &= bits - 1) {
    const auto metric = static_cast<Metric>(std::countr_zero(bits));
    const Value value = Info(metric).value;
    if (value == Value::kChunkGaps) {
      if (call.gaps == 0) continue;
      (void)registry_.RecordCounts(RowOf(series, metric, now_unix_ms), call.gaps_by_bucket, call.gap_seconds);
      continue;
    }
    const double number = values[static_cast<size_t>(value)];
    if (!std::isnan(number)) (void)registry_.Record(RowOf(series, metric, now_unix_ms), number);
  }
}

uint32_t SpanMetrics::RowOf(Series& series, Metric metric, double now_unix_ms) {
  uint32_t& row = series.rows[static_cast<size_t>(metric)];
  if (row != kNone) return row;
  std::array<std::string_view, kLabelCount> values;
  size_t count = 0;
  for (LabelMask bits = Info(metric).labels; bits != 0; bits &= bits - 1) {
    values[count++] = TextOf(series, static_cast<Label>(std::countr_zero(bits)));
  }
  const std::span<const std::string_view> labels(values.data(), count);
  const Result<uint32_t> bound = registry_.Bind(families_[static_cast<size_t>(metric)], labels, now_unix_ms);
  if (bound.ok()) row = bound.value();
  return row;
}

std::string_view SpanMetrics::TextOf(const Series& series, Label label) const {
  switch (label) {
    case Label::kOperation:
      return Info(series.operation).name[static_cast<size_t>(Profile::kLatest)];
    case Label::kModality:
      return "unknown";
    case Label::kTokenTypeInput:
      return "input";
    case Label::kTokenTypeOutput:
      return "output";
    default:
      break;
  }
  const TextId text = series.labels[static_cast<size_t>(label)];
  if (text == kOtherText) return "_OTHER";
  if (text != 0) return texts_.Get(text);
  // The conventions require these two labels.
  return label == Label::kProvider || label == Label::kToolName ? "unknown" : "";
}

}  // namespace isotel::genai

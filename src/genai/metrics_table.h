// The table metrics_table.def as constants, and its rows as declarations of metric families.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "genai/fields.h"
#include "genai/operation.h"
#include "metrics/declaration.h"

namespace isotel::genai {

/// The labels of GenAI metrics, in the order in which they are declared and bound.
enum class Label : uint8_t {
#define ISOTEL_GENAI_LABEL(name, field) name,
#include "genai/labels.def"
#undef ISOTEL_GENAI_LABEL
  kModality,
  kTokenTypeInput,  ///< has the same key as the next one; no metric has both
  kTokenTypeOutput,
  kCount
};
inline constexpr size_t kLabelCount = static_cast<size_t>(Label::kCount);

/// A bit for each label.
using LabelMask = uint32_t;
[[nodiscard]] constexpr LabelMask MaskOf(Label label) { return LabelMask{1} << static_cast<uint32_t>(label); }

/// The value of a span that a metric records. Times are in seconds.
enum class Value : uint8_t {
  kDuration,
  kTimeToFirstChunk,
  kChunkGaps,  ///< a value for each chunk after the first
  kInputTokens,
  kOutputTokens,
  kCacheReadTokens,
  kCacheWriteTokens,
  kReasoningTokens,
  kInferenceCalls,
  kToolCalls,
  kCost,
  kCount
};
inline constexpr size_t kValueCount = static_cast<size_t>(Value::kCount);

enum class MetricNames : uint8_t { kCurrent, kFormer, kOwn };
enum class BoundsKind : uint8_t { kNone, kSeconds, kAgentSeconds, kTokens, kCalls };

/// Upper bounds of BoundsKind::kSeconds.
inline constexpr uint32_t kSecondsBounds = 14;

enum class Metric : uint8_t {
#define ISOTEL_GENAI_METRIC(name, metric, kind, unit, bounds, value, labels, spans, names, help) name,
#include "genai/metrics_table.def"
#undef ISOTEL_GENAI_METRIC
  kCount
};
inline constexpr size_t kMetricCount = static_cast<size_t>(Metric::kCount);
static_assert(kMetricCount <= 32);

struct MetricInfo {
  std::string_view name;
  metrics::Kind kind;
  std::string_view unit;
  BoundsKind bounds;
  Value value;
  LabelMask labels;
  OperationSet spans;
  MetricNames names;
  std::string_view help;
};

[[nodiscard]] const MetricInfo& Info(Metric metric);

/// The fields that the labels before kModality are read from.
inline constexpr std::array kLabelFields{
#define ISOTEL_GENAI_LABEL(name, field) Field::field,
#include "genai/labels.def"
#undef ISOTEL_GENAI_LABEL
};
static_assert(kLabelFields.size() == static_cast<size_t>(Label::kModality));

[[nodiscard]] constexpr Field FieldOf(Label label) { return kLabelFields[static_cast<size_t>(label)]; }

/// Returns the label that is read from a field, or kModality.
[[nodiscard]] Label LabelOf(uint32_t field);

[[nodiscard]] std::string_view KeyOf(Label label);

/// Returns the family of a metric, with label keys in the order of Label.
[[nodiscard]] metrics::Declaration DeclarationOf(Metric metric);

}  // namespace isotel::genai

// The metrics of the GenAI spans of one isolate: duration, tokens and cost of each call, whether its trace is sampled
// or not.
//
// Labels are identifiers of interned texts, kept from the start of a span. At its end one lookup by these identifiers
// finds the rows of all its metrics. Nothing is allocated for labels that were seen before.
//
// A Worker's users may choose the values of a label. So each label has a limit of distinct values; further ones are
// "_OTHER". One label then neither fills the label sets of its metrics nor the table of texts.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/counters.h"
#include "base/handle.h"
#include "base/hash_index.h"
#include "base/intern.h"
#include "base/limits.h"
#include "genai/field_set.h"
#include "genai/metrics_table.h"
#include "metrics/registry.h"
#include "trace/span.h"

namespace isotel::genai {

/// The values of a span by Value; NaN where the span has none.
using SpanValues = std::array<double, kValueCount>;

class SpanMetrics {
 public:
  /// The registry, the texts and the counters must outlive this object. `max_values` limits the distinct values of each
  /// label. Default, as 0: kDefaultLabelValues.
  SpanMetrics(metrics::Registry& registry, InternTable& texts, Counters& counters, uint32_t max_values);

  /// Declares the families. Call it once, before all other functions. Leaves out families whose names the host has
  /// declared and returns how many those are. Returns the errors of Registry::Declare().
  ///
  /// @param former_names Also record under the names of MetricNames::kFormer.
  /// @param currency Unit of the costs. Default, as an empty text: "USD".
  Result<uint32_t> Declare(bool former_names, std::string_view currency);

  /// Returns whether a new text of this field would be "_OTHER" as a label.
  [[nodiscard]] bool IsFull(uint32_t field) const;
  /// Makes a text a value of the label of this field, if there is one and it has room.
  void Admit(uint32_t field, TextId text);
  /// Makes a text a value of the request model, in addition to those within the limit.
  void AdmitModel(TextId text) { admitted_[text] |= 1U << static_cast<uint32_t>(Label::kRequestModel); }

  /// Notes a span that was opened. Replaces the state of its slot.
  void Open(Handle handle, Operation operation, Handle parent);
  /// Stores the labels that are in the start fields.
  void Start(Handle handle, const FieldSet& fields);
  /// Notes the first chunk of output.
  void FirstChunk(Handle handle, double now_unix_ms);
  /// Notes a further chunk of output. Does nothing before the first.
  void NextChunk(Handle handle, double now_unix_ms);

  struct Ending {
    trace::Outcome outcome = trace::Outcome::kFinished;
    double start_unix_ms = 0;  ///< 0: unknown, so that no duration is recorded
    double end_unix_ms = 0;
  };
  /// Records a span that ends with these finish fields. Does nothing for a span that was opened before this object
  /// existed.
  void End(Handle handle, const Ending& ending, const FieldSet& fields);

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  // The label of a text that the host could not intern.
  static constexpr TextId kOtherText = UINT32_MAX;
  // Labels with values from the span. The value of the others depends on the metric alone.
  static constexpr size_t kKeptLabels = static_cast<size_t>(Label::kModality);
  using LabelIds = std::array<TextId, kKeptLabels>;

  // An open span. calls_ has them by the slot of their handle.
  struct OpenCall {
    Handle handle = kNoHandle;
    Handle parent = kNoHandle;
    Operation operation = Operation::kCustom;
    LabelIds labels{};
    uint32_t inference_calls = 0;
    uint32_t tool_calls = 0;
    double first_chunk_unix_ms = 0;  // 0 before it
    double last_chunk_unix_ms = 0;
    double gap_seconds = 0;  // sum over chunks
    uint32_t gaps = 0;
    std::array<uint32_t, kSecondsBounds + 1> gaps_by_bucket{};
  };
  // Spans with equal labels.
  struct Series {
    Operation operation;
    LabelIds labels;
    std::array<uint32_t, kMetricCount> rows;
  };

  [[nodiscard]] OpenCall* Find(Handle handle);
  bool AdmitValue(Label label, TextId text);
  [[nodiscard]] TextId LabelIn(Label label, const FieldSet& fields);
  [[nodiscard]] std::string_view TextOf(const Series& series, Label label) const;
  Series& SeriesOf(const OpenCall& call);
  uint32_t RowOf(Series& series, Metric metric, double now_unix_ms);
  [[nodiscard]] static SpanValues ValuesOf(const OpenCall& call, const Ending& ending, const FieldSet& fields);
  void Record(const OpenCall& call, Series& series, const SpanValues& values, double now_unix_ms);

  metrics::Registry& registry_;
  const InternTable& texts_;
  Counters& counters_;
  uint32_t max_values_;
  std::array<uint32_t, kKeptLabels> values_{};             // by label: how many texts were admitted
  std::array<uint8_t, kMaxInternedTexts + 1> admitted_{};  // by text: a bit for each label that has it as a value
  TextId tool_type_function_;
  std::array<uint32_t, kMetricCount> families_{};
  std::array<uint32_t, kOperationCount> metrics_{};  // by operation: a bit for each metric of its spans
  std::array<LabelMask, kOperationCount> labels_{};  // by operation: the labels of these metrics
  std::array<double, kSecondsBounds> seconds_{};
  std::vector<OpenCall> calls_;
  std::vector<Series> series_;
  HashIndex series_index_;
};

}  // namespace isotel::genai

// The metrics of GenAI spans: what the calls of one isolate took, used and cost, sampled or not.
//
// A span's labels are identifiers of interned texts, kept from its start. At its end one lookup by them finds the rows of
// all its metrics; nothing is allocated for labels that have been seen before.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/handle.h"
#include "base/intern.h"
#include "genai/field_set.h"
#include "genai/metrics_table.h"
#include "genai/metrics_values.h"
#include "metrics/hash_index.h"
#include "metrics/registry.h"
#include "trace/span.h"

namespace isotel::genai {

class SpanMetrics {
 public:
  /// Both must outlive it.
  SpanMetrics(metrics::Registry& registry, InternTable& texts);

  /// Declares the families; once, before anything else. Those whose names the host has taken are left out: their number.
  /// The errors of Registry::Declare().
  ///
  /// @param former_names Also record under the names of MetricNames::kFormer.
  /// @param currency Unit of the costs, "USD" when empty.
  Result<uint32_t> Declare(bool former_names, std::string_view currency);

  /// Sets or replaces the price of a model, as requests name it. kInvalidValue for what is no price, kLimitReached
  /// past kMaxPrices.
  Error SetPrice(TextId model, const Price& price);

  /// A span has been opened; what was known of its slot is forgotten.
  void Open(Handle handle, Operation operation, Handle parent);
  /// Keeps the labels in the start fields.
  void Start(Handle handle, const FieldSet& fields);
  /// The first chunk of output has arrived.
  void FirstChunk(Handle handle, double now_unix_ms);
  /// A further chunk of output has arrived; nothing without a first.
  void NextChunk(Handle handle, double now_unix_ms);

  struct Ending {
    trace::Outcome outcome = trace::Outcome::kFinished;
    double start_unix_ms = 0;  ///< 0 when not known: no duration then
    double end_unix_ms = 0;
  };
  /// Records a span that ends with these finish fields. A span that was open before metrics were is left out.
  void End(Handle handle, const Ending& ending, const FieldSet& fields);

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  // A label whose text the host could not intern.
  static constexpr TextId kOtherText = UINT32_MAX;
  // Labels with values of their own; those after them follow from the metric.
  static constexpr size_t kKeptLabels = static_cast<size_t>(Label::kModality);
  using LabelIds = std::array<TextId, kKeptLabels>;

  // An open span, by slot of its handle.
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
  // Spans that have their labels in common.
  struct Series {
    Operation operation;
    LabelIds labels;
    uint32_t price;
    std::array<uint32_t, kMetricCount> rows;
  };
  struct ModelPrice {
    TextId model;
    Price price;
  };

  [[nodiscard]] OpenCall* Find(Handle handle);
  [[nodiscard]] TextId LabelIn(Label label, const FieldSet& fields) const;
  [[nodiscard]] std::string_view TextOf(const Series& series, Label label) const;
  Series& SeriesOf(const OpenCall& call);
  uint32_t RowOf(Series& series, Metric metric, double now_unix_ms);
  [[nodiscard]] SpanValues ValuesOf(const OpenCall& call, const Series& series, const Ending& ending,
                                    const FieldSet& fields) const;
  void Record(const OpenCall& call, Series& series, const SpanValues& values, double now_unix_ms);

  metrics::Registry& registry_;
  const InternTable& texts_;
  TextId tool_type_function_;
  std::array<uint32_t, kMetricCount> families_{};
  std::array<uint32_t, kOperationCount> metrics_{};  // a bit per metric that the spans record
  std::array<LabelMask, kOperationCount> labels_{};  // and the labels these have
  std::array<double, kSecondsBounds> seconds_{};
  std::vector<OpenCall> calls_;
  std::vector<Series> series_;
  metrics::HashIndex series_index_;
  std::vector<ModelPrice> prices_;
};

}  // namespace isotel::genai

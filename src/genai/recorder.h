// The spans of one isolate: the functions behind every span call of the ABI.
//
// A span is opened (OpenSpan), started (Start), may get attributes (ReserveAttributes, FitAttributes), chunks
// (FirstChunk, NextChunk) and a status (SetStatus), and is ended (EndSpan). The host holds the attribute values. The
// recorder decides which are written, and sums the usage of the calls of an operation.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/counters.h"
#include "base/intern.h"
#include "base/result.h"
#include "genai/attributes.h"
#include "genai/metrics.h"
#include "genai/usage.h"
#include "trace/attribute_budget.h"
#include "trace/span_table.h"

namespace isotel::genai {

/// Attributes of the user that the host has written within its quota.
struct UserAttributes {
  uint32_t count = 0;
  uint32_t bytes = 0;    ///< upper bound of their key and value bytes
  uint32_t invalid = 0;  ///< left out: not a text, a finite number, a boolean or a list of these
};

/// How much the host may write to a span before it has to ask again.
struct AttributeQuota {
  uint32_t count = 0;
  uint32_t bytes = 0;
};

class Recorder {
 public:
  Recorder() = default;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  struct Open {
    uint32_t operation = 0;  ///< a code of operations.def
    uint32_t profile = 0;    ///< a code of profiles.def
    Handle parent = kNoHandle;
    Handle scope = kNoHandle;
    uint32_t flags = 0;        ///< trace::kSpanBounded and the other flags of a span
    double start_unix_ms = 0;  ///< 0: unknown
  };
  /// Opens a span. Returns kUnknownOperation or kUnknownProfile for an unknown code, and kLimitReached past a limit.
  /// All are counted.
  Result<Handle> OpenSpan(const Open& open);
  /// Plans the start attributes; see AttributeBuilder::Build(). An untraced span has none.
  Result<uint32_t> Start(Handle handle, FieldSet& fields, bool exact, Plan& plan);
  /// Counts attributes that the host has written to a span. Returns the quota that is left: the host may write
  /// attributes within it without a call, except values above kMaxAttributeValueBytes. All others go to
  /// FitAttributes().
  Result<AttributeQuota> ReserveAttributes(Handle handle, const UserAttributes& written);
  /// Decides about attributes by their exact sizes: `keep` gets kKeepAll, 0 or a number of bytes for each. Returns the
  /// number of decisions. Attributes after these are dropped.
  Result<uint32_t> FitAttributes(Handle handle, std::span<const trace::AttributeSize> sizes, uint32_t invalid,
                                 std::span<uint32_t> keep);
  /// Notes when the first output arrived. Later calls are ignored.
  Error FirstChunk(Handle handle, double now_unix_ms);
  /// Notes when further output arrived, for metrics.
  Error NextChunk(Handle handle, double now_unix_ms);
  /// Sets the status. Ok is final, Error overrides Unset.
  Error SetStatus(Handle handle, trace::StatusCode status);

  struct End {
    trace::Outcome outcome = trace::Outcome::kFinished;
    double end_unix_ms = 0;
    bool exact = false;
    bool status_as_attribute = false;  ///< the host's spans have no status
    UserAttributes written;            ///< counted first, also on kNeedExactSizes
  };
  struct Ended {
    uint32_t entries = 0;
    trace::StatusCode status = trace::StatusCode::kUnset;
  };
  /// Plans the finish attributes and ends the span. An untraced span has no attributes. On kNeedExactSizes the span is
  /// still open.
  Result<Ended> EndSpan(Handle handle, const End& end, FieldSet& fields, Plan& plan);

  /// Records the metrics of spans in `registry` from the next span on; see SpanMetrics::Declare(). The registry must
  /// outlive this recorder. `currency` applies to all costs. A second call replaces the first. An error changes
  /// nothing.
  ///
  /// @param max_values Distinct values of each label. Default, as 0: kDefaultLabelValues.
  Result<uint32_t> EnableMetrics(metrics::Registry& registry, bool former_names, std::string_view currency,
                                 uint32_t max_values = 0);
  /// Sets the price of a model, by its name in requests, in the currency of costs. Returns kInvalidValue for an invalid
  /// price, and kLimitReached past kMaxPrices or when the model cannot be interned.
  Error SetPrice(std::string_view model, const Price& price);

  /// Counts a span name that the host cut.
  void NoteCutName() { counters_.Add(Counter::kNamesCut); }
  void NoteUnknownCode() { counters_.Add(Counter::kUnknownCodes); }
  static constexpr uint32_t kNoField = UINT32_MAX;
  /// Returns the identifier of a text of a field, or 0 (counted) when the table is full. A new text of a field whose
  /// label has all its values has none either; LabelIn() counts it.
  TextId Intern(std::string_view text, uint32_t field = kNoField);

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const InternTable& texts() const { return texts_; }
  [[nodiscard]] trace::SpanTable& spans() { return spans_; }

 private:
  // The state of a span besides trace::Span. calls_ has it by the slot of the handle.
  struct Call {
    Profile profile;
    double first_chunk_unix_ms;
    TextId model;  // of the request; 0 unless it has crossed as an identifier
    Rollup rollup;
  };

  void ReserveIn(trace::Span& span, const UserAttributes& written);
  void AddFinishFields(const trace::Span& span, const Call& call, const End& end, FieldSet& fields) const;
  void RollUp(const trace::Span& span, const FieldSet& fields);

  Counters counters_;
  InternTable texts_;
  trace::SpanTable spans_{counters_};
  AttributeBuilder attributes_{texts_, counters_};
  std::vector<Call> calls_;
  std::unique_ptr<SpanMetrics> metrics_;  // none until EnableMetrics()
  Costs costs_{texts_};
};

}  // namespace isotel::genai

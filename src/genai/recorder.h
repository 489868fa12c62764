// The span core of one isolate: every call of the ABI that concerns spans ends here.
//
// A span goes Open -> Start -> (Attributes | FirstChunk)* -> End. The host holds the attribute values; the
// recorder decides what is written and keeps what rolls up.
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

/// Attributes of the user's own that the host has written within its allowance.
struct UserAttributes {
  uint32_t count = 0;
  uint32_t bytes = 0;    ///< upper bound of their key and value bytes
  uint32_t invalid = 0;  ///< left out: neither text, finite number, boolean nor list of these
};

/// What the host may write to a span before it has to ask again.
struct Allowance {
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
    uint32_t flags = 0;        ///< trace::kSpanBounded, trace::kSpanNative, trace::kSpanUntraced
    double start_unix_ms = 0;  ///< 0 when not known
  };
  /// Opens a span. kUnknownOperation or kUnknownProfile for a code that is in no table, kLimitReached past a limit;
  /// all counted.
  Result<Handle> OpenSpan(const Open& open);
  /// Plans the start attributes: see AttributeBuilder::Build(). None of an untraced span.
  Result<uint32_t> Start(Handle handle, FieldSet& fields, bool exact, Plan& plan);
  /// Charges attributes to a span and tells what is left. A host that writes no more than it was allowed, and no
  /// value above kMaxAttributeValueBytes, need not ask about each; what exceeds that goes to FitAttributes().
  Result<Allowance> Charge(Handle handle, const UserAttributes& written);
  /// Decides about attributes by their exact sizes: `keep` gets kKeepAll, 0 or a number of bytes for each. The
  /// number of decisions; what is beyond them is dropped.
  Result<uint32_t> FitAttributes(Handle handle, std::span<const trace::AttributeSize> sizes, uint32_t invalid,
                                 std::span<uint32_t> keep);
  /// Notes when the first output arrived. The first call counts.
  Error FirstChunk(Handle handle, double now_unix_ms);
  /// Notes when further output arrived, for the metrics of spans.
  Error NextChunk(Handle handle, double now_unix_ms);
  /// Ok is final; Error overrides Unset.
  Error SetStatus(Handle handle, trace::StatusCode status);

  struct End {
    trace::Outcome outcome = trace::Outcome::kFinished;
    double end_unix_ms = 0;
    bool exact = false;
    bool status_as_attribute = false;  ///< the host's spans have no status of their own
    UserAttributes written;            ///< charged first, even on kNeedExactSizes
  };
  struct Ended {
    uint32_t entries = 0;
    trace::StatusCode status = trace::StatusCode::kUnset;
  };
  /// Plans the finish attributes, none of an untraced span, and ends the span. On kNeedExactSizes the span is still open.
  Result<Ended> EndSpan(Handle handle, const End& end, FieldSet& fields, Plan& plan);

  /// Records the metrics of spans in `registry`, which must outlive this, from the next span on; see
  /// SpanMetrics::Declare(). Called again, it takes the place of the call before, and prices are gone. On an error
  /// nothing has changed.
  Result<uint32_t> EnableMetrics(metrics::Registry& registry, bool former_names, std::string_view currency);
  /// See SpanMetrics::SetPrice(). kOutOfRange without metrics, kLimitReached when the model cannot be interned.
  Error SetPrice(std::string_view model, const Price& price);

  /// Counts a span name the host had to cut.
  void NoteCutName() { counters_.Add(Counter::kNamesCut); }
  void NoteUnknownCode() { counters_.Add(Counter::kUnknownCodes); }
  /// The identifier of a text, or 0 and a count when the table is full.
  TextId Intern(std::string_view text);

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const InternTable& texts() const { return texts_; }
  [[nodiscard]] trace::SpanTable& spans() { return spans_; }

 private:
  // What a GenAI span needs besides trace::Span, by slot of its handle.
  struct Call {
    Profile profile;
    double first_chunk_unix_ms;
    Rollup rollup;
  };

  void ChargeTo(trace::Span& span, const UserAttributes& written);
  void AddFinishFields(const trace::Span& span, const Call& call, const End& end, FieldSet& fields) const;
  void RollUp(const trace::Span& span, const FieldSet& fields);

  Counters counters_;
  InternTable texts_;
  trace::SpanTable spans_{counters_};
  AttributeBuilder attributes_{texts_, counters_};
  std::vector<Call> calls_;
  std::unique_ptr<SpanMetrics> metrics_;  // none until EnableMetrics()
};

}  // namespace isotel::genai

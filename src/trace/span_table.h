// The open spans and invocation scopes of one isolate: parentage, limits and the end of each span.
//
// A span records from Open() to End(). Calls with its handle afterwards return kAlreadyEnded, or kStaleHandle when its
// slot has been reused. Both are counted and do nothing: late telemetry must not become an error in the user's program.
#pragma once

#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "base/handle_table.h"
#include "base/limits.h"
#include "base/result.h"
#include "trace/span.h"

namespace isotel::trace {

struct SpanStart {
  Handle parent = kNoHandle;  ///< an open span, or none
  Handle scope = kNoHandle;   ///< an open scope, or none
  uint32_t flags = 0;         ///< kSpanBounded, kSpanNative, kSpanUntraced, kSpanWhole
  uint32_t operation = 0;     ///< of genai/operations.def; not interpreted here
  SpanKind kind = SpanKind::kInternal;
  double start_unix_ms = 0;
};

/// How a span ended.
struct SpanEnd {
  double end_unix_ms = 0;  ///< never before the start
  StatusCode status = StatusCode::kUnset;
};

class SpanTable {
 public:
  explicit SpanTable(Counters& counters) : counters_(counters) {}

  /// Opens a scope, which groups the spans of one invocation. Past kMaxOpenScopes it closes the oldest scope and counts
  /// scopes_evicted.
  Result<Handle> OpenScope();
  /// Collects the open spans of a scope, newest first: ending them in this order ends children before parents.
  Error CollectScope(Handle scope, bool bounded_only, std::vector<Handle>& open) const;
  /// Closes a scope. Spans that are still open continue without one.
  Error CloseScope(Handle scope);

  /// Opens a span. A parent or scope that has ended counts as none.
  ///
  /// Returns kLimitReached past kMaxOpenSpansPerScope and counts spans_refused. Past kMaxOpenSpans it evicts the span
  /// that has been open longest and counts spans_evicted: no code ends the spans of an invocation that the runtime
  /// dropped.
  Result<Handle> Open(const SpanStart& start);

  /// Returns the open span. Otherwise returns null and counts the reason.
  Span* FindForWrite(Handle handle);
  /// Returns the open span or null. Counts nothing.
  [[nodiscard]] Span* Find(Handle handle) { return spans_.Find(handle); }

  /// Returns why Find() failed: kAlreadyEnded or kStaleHandle. Counts nothing.
  [[nodiscard]] Error Missing(Handle handle) const { return spans_.Missing(handle); }

  /// Ends a span and returns its final status: a failed outcome makes it Error, unless it is Ok.
  Result<SpanEnd> End(Handle handle, Outcome outcome, double end_unix_ms);

  [[nodiscard]] uint32_t open_spans() const { return spans_.size(); }
  [[nodiscard]] uint32_t open_scopes() const { return scopes_.size(); }

 private:
  struct Scope {
    Handle newest = kNoHandle;
    uint32_t open_spans = 0;
  };

  void Link(Handle handle, Span& span, Scope& scope);
  void Unlink(const Span& span);
  void EvictOldestSpan();
  Error CountMissing(Error why, Counter when_ended) const;

  Counters& counters_;
  mutable HandleTable<Span> spans_{kMaxOpenSpans};
  mutable HandleTable<Scope> scopes_{kMaxOpenScopes};
};

}  // namespace isotel::trace

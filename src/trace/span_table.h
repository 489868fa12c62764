// The open spans and invocation scopes of one isolate: parentage, limits and the end of each span.
//
// A span is `recording` from Open() to End() and gone afterwards; its handle then answers kAlreadyEnded (or
// kStaleHandle once its slot has been used again). Both are counted no-ops: telemetry that arrives late is
// never an error of the user's program.
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
  uint32_t flags = 0;         ///< kSpanBounded, kSpanNative, kSpanUntraced
  uint32_t operation = 0;     ///< what the span stands for; not interpreted here
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

  /// A scope that groups the spans of one invocation. Past kMaxOpenScopes the oldest is forgotten as by CloseScope(),
  /// counted as scopes_evicted.
  Result<Handle> OpenScope();
  /// Open spans of a scope, newest first, so that ending them in order ends children before parents.
  Error CollectScope(Handle scope, bool bounded_only, std::vector<Handle>& open) const;
  /// Forgets a scope; spans that are still open go on without one.
  Error CloseScope(Handle scope);

  /// kLimitReached past kMaxOpenSpansPerScope, counted as spans_refused. Past kMaxOpenSpans the span that has been
  /// open longest is given up instead, counted as spans_evicted: an invocation that the runtime drops leaves spans
  /// behind that nobody ends. A parent or scope that has ended is treated as none.
  Result<Handle> Open(const SpanStart& start);

  /// The open span, or null and a count of why not.
  Span* FindForWrite(Handle handle);
  /// The open span or null; counts nothing.
  [[nodiscard]] Span* Find(Handle handle) { return spans_.Find(handle); }

  /// Why Find() failed: kAlreadyEnded or kStaleHandle; counts nothing.
  [[nodiscard]] Error Missing(Handle handle) const { return spans_.Missing(handle); }

  /// Ends a span and sets its final status: a failed outcome makes it Error unless it is Ok.
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

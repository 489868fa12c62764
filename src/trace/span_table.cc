#include "trace/span_table.h"

namespace isotel::trace {

Result<Handle> SpanTable::OpenScope() {
  if (scopes_.size() >= kMaxOpenScopes) {
    (void)CloseScope(scopes_.oldest());
    counters_.Add(Counter::kScopesEvicted);
  }
  return scopes_.Insert();
}

Error SpanTable::CollectScope(Handle scope, bool bounded_only, std::vector<Handle>& open) const {
  open.clear();
  const Scope* found = scopes_.Find(scope);
  if (found == nullptr) return CountMissing(scopes_.Missing(scope), Counter::kLateWrites);
  for (Handle handle = found->newest; handle != kNoHandle;) {
    const Span* span = spans_.Find(handle);
    if (!bounded_only || span->bounded()) open.push_back(handle);
    handle = span->older;
  }
  return Error::kOk;
}

Error SpanTable::CloseScope(Handle scope) {
  const Scope* found = scopes_.Find(scope);
  if (found == nullptr) return CountMissing(scopes_.Missing(scope), Counter::kDoubleEnds);
  for (Handle handle = found->newest; handle != kNoHandle;) {
    Span* span = spans_.Find(handle);
    handle = span->older;
    span->scope = span->newer = span->older = kNoHandle;
  }
  scopes_.Erase(scope);
  return Error::kOk;
}

Result<Handle> SpanTable::Open(const SpanStart& start) {
  Scope* scope = scopes_.Find(start.scope);
  if (scope != nullptr && scope->open_spans >= kMaxOpenSpansPerScope) {
    counters_.Add(Counter::kSpansRefused);
    return Error::kLimitReached;
  }
  // Looks up the parent before the handle of the new span exists. Otherwise a host that guesses the handle could make a
  // span its own parent.
  const Handle parent = spans_.Find(start.parent) != nullptr ? start.parent : kNoHandle;
  if (spans_.size() >= kMaxOpenSpans) EvictOldestSpan();
  const Result<Handle> handle = spans_.Insert();
  Span& span = *spans_.Find(handle.value());
  span.parent = parent;
  span.flags = start.flags;
  span.operation = start.operation;
  span.kind = start.kind;
  span.start_unix_ms = start.start_unix_ms;
  if (scope != nullptr) {
    span.scope = start.scope;
    Link(handle.value(), span, *scope);
  }
  counters_.Add(Counter::kSpansOpened);
  return handle.value();
}

Span* SpanTable::FindForWrite(Handle handle) {
  Span* span = spans_.Find(handle);
  if (span == nullptr) (void)CountMissing(spans_.Missing(handle), Counter::kLateWrites);
  return span;
}

Result<SpanEnd> SpanTable::End(Handle handle, Outcome outcome, double end_unix_ms) {
  Span* span = spans_.Find(handle);
  if (span == nullptr) return CountMissing(spans_.Missing(handle), Counter::kDoubleEnds);
  if (outcome == Outcome::kFailed) span->status = Combine(span->status, StatusCode::kError);
  if (outcome == Outcome::kTruncated) counters_.Add(Counter::kSpansTruncated);
  if (span->scope != kNoHandle) Unlink(*span);
  // A NaN end is not above the start either.
  const double end = end_unix_ms > span->start_unix_ms ? end_unix_ms : span->start_unix_ms;
  const SpanEnd ended{end, span->status};
  spans_.Erase(handle);
  counters_.Add(Counter::kSpansEnded);
  return ended;
}

void SpanTable::Link(Handle handle, Span& span, Scope& scope) {
  span.older = scope.newest;
  if (Span* newest = spans_.Find(scope.newest); newest != nullptr) newest->newer = handle;
  scope.newest = handle;
  ++scope.open_spans;
}

void SpanTable::Unlink(const Span& span) {
  Scope* scope = scopes_.Find(span.scope);
  if (scope == nullptr) return;
  if (Span* newer = spans_.Find(span.newer); newer != nullptr) {
    newer->older = span.older;
  } else {
    scope->newest = span.older;
  }
  if (Span* older = spans_.Find(span.older); older != nullptr) older->newer = span.newer;
  --scope->open_spans;
}

void SpanTable::EvictOldestSpan() {
  const Handle handle = spans_.oldest();
  const Span& span = *spans_.Find(handle);
  if (span.scope != kNoHandle) Unlink(span);
  spans_.Erase(handle);
  counters_.Add(Counter::kSpansEvicted);
}

Error SpanTable::CountMissing(Error why, Counter when_ended) const {
  counters_.Add(why == Error::kAlreadyEnded ? when_ended : Counter::kStaleHandles);
  return why;
}

}  // namespace isotel::trace

#include "trace/span_table.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

namespace isotel::trace {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Table {
  Counters counters;
  SpanTable spans{counters};

  Handle Open(Handle scope = kNoHandle, uint32_t flags = 0, Handle parent = kNoHandle) {
    const Result<Handle> handle =
        spans.Open({.parent = parent, .scope = scope, .flags = flags, .start_unix_ms = 1'000});
    REQUIRE(handle.ok());
    return handle.value();
  }
  Handle OpenScope() {
    const Result<Handle> scope = spans.OpenScope();
    REQUIRE(scope.ok());
    return scope.value();
  }
  SpanEnd End(Handle handle, Outcome outcome = Outcome::kFinished, double end_unix_ms = 2'000) {
    const Result<SpanEnd> ended = spans.End(handle, outcome, end_unix_ms);
    REQUIRE(ended.ok());
    return ended.value();
  }
  std::vector<Handle> Collect(Handle scope, bool bounded_only = false) {
    std::vector<Handle> open{123};
    REQUIRE(spans.CollectScope(scope, bounded_only, open) == Error::kOk);
    return open;
  }
  [[nodiscard]] uint64_t Count(Counter counter) const { return counters.Get(counter); }
};

TEST_CASE_FIXTURE(Table, "An open span keeps what it was opened with") {
  const Handle parent = Open();
  const Handle scope = OpenScope();
  const Result<Handle> handle = spans.Open({.parent = parent,
                                            .scope = scope,
                                            .flags = kSpanBounded | kSpanNative,
                                            .operation = 3,
                                            .kind = SpanKind::kClient,
                                            .start_unix_ms = 12.5});
  REQUIRE(handle.ok());
  const Span* span = spans.Find(handle.value());
  REQUIRE(span != nullptr);
  CHECK(span->parent == parent);
  CHECK(span->scope == scope);
  CHECK(span->bounded());
  CHECK(span->native());
  CHECK(span->operation == 3);
  CHECK(span->kind == SpanKind::kClient);
  CHECK(span->start_unix_ms == 12.5);
  CHECK(span->status == StatusCode::kUnset);
  CHECK(spans.open_spans() == 2);
  CHECK(Count(Counter::kSpansOpened) == 2);
}

TEST_CASE_FIXTURE(Table, "A parent that has ended is none") {
  const Handle parent = Open();
  (void)End(parent);
  CHECK(spans.Find(Open(kNoHandle, 0, parent))->parent == kNoHandle);
  CHECK(spans.Find(Open(kNoHandle, 0, 0xFFFF'FFFF))->parent == kNoHandle);
}

TEST_CASE_FIXTURE(Table, "A span never is its own parent even when its handle is guessed") {
  const Handle guess = MakeHandle(0, 1);
  const Handle handle = Open(kNoHandle, 0, guess);
  REQUIRE(handle == guess);
  CHECK(spans.Find(handle)->parent == kNoHandle);
}

TEST_CASE_FIXTURE(Table, "A scope that was closed is none") {
  const Handle scope = OpenScope();
  CHECK(spans.CloseScope(scope) == Error::kOk);
  CHECK(spans.Find(Open(scope))->scope == kNoHandle);
}

TEST_CASE_FIXTURE(Table, "A failed span is an error and other outcomes leave the status alone") {
  CHECK(End(Open(), Outcome::kFailed).status == StatusCode::kError);
  CHECK(End(Open(), Outcome::kFinished).status == StatusCode::kUnset);
  CHECK(End(Open(), Outcome::kCancelled).status == StatusCode::kUnset);
  CHECK(End(Open(), Outcome::kTruncated).status == StatusCode::kUnset);
}

TEST_CASE_FIXTURE(Table, "Ok stays Ok even when the span fails") {
  const Handle handle = Open();
  spans.Find(handle)->status = StatusCode::kOk;
  CHECK(End(handle, Outcome::kFailed).status == StatusCode::kOk);
}

TEST_CASE_FIXTURE(Table, "Only truncation counts as truncated") {
  for (const Outcome outcome : {Outcome::kFinished, Outcome::kFailed, Outcome::kCancelled}) (void)End(Open(), outcome);
  CHECK(Count(Counter::kSpansTruncated) == 0);
  (void)End(Open(), Outcome::kTruncated);
  CHECK(Count(Counter::kSpansTruncated) == 1);
  CHECK(Count(Counter::kSpansEnded) == 4);
  CHECK(spans.open_spans() == 0);
}

TEST_CASE_FIXTURE(Table, "A span never ends before it started") {
  CHECK(End(Open(), Outcome::kFinished, 1'001).end_unix_ms == 1'001);
  CHECK(End(Open(), Outcome::kFinished, 1'000).end_unix_ms == 1'000);
  CHECK(End(Open(), Outcome::kFinished, 999).end_unix_ms == 1'000);
  CHECK(End(Open(), Outcome::kFinished, -kInfinity).end_unix_ms == 1'000);
  CHECK(End(Open(), Outcome::kFinished, kNan).end_unix_ms == 1'000);
  CHECK(End(Open(), Outcome::kFinished, kInfinity).end_unix_ms >= 1'000);
}

TEST_CASE_FIXTURE(Table, "Ending twice is a counted no-op") {
  const Handle handle = Open();
  (void)End(handle);
  CHECK(spans.End(handle, Outcome::kFailed, 3'000).error() == Error::kAlreadyEnded);
  CHECK(Count(Counter::kDoubleEnds) == 1);
  CHECK(Count(Counter::kSpansEnded) == 1);
  CHECK(Count(Counter::kStaleHandles) == 0);
}

TEST_CASE_FIXTURE(Table, "Writing to a span that has ended is a counted no-op") {
  const Handle handle = Open();
  CHECK(spans.FindForWrite(handle) != nullptr);
  (void)End(handle);
  CHECK(spans.FindForWrite(handle) == nullptr);
  CHECK(Count(Counter::kLateWrites) == 1);
  CHECK(Count(Counter::kDoubleEnds) == 0);
  CHECK(Count(Counter::kStaleHandles) == 0);
}

TEST_CASE_FIXTURE(Table, "A handle of long ago or of nothing is counted as stale") {
  const Handle first = Open();
  (void)End(first);
  (void)End(Open());
  CHECK(spans.FindForWrite(first) == nullptr);
  CHECK(spans.End(first, Outcome::kFinished, 2'000).error() == Error::kStaleHandle);
  CHECK(spans.End(kNoHandle, Outcome::kFinished, 2'000).error() == Error::kStaleHandle);
  CHECK(spans.End(0xFFFF'FFFF, Outcome::kFinished, 2'000).error() == Error::kStaleHandle);
  CHECK(Count(Counter::kStaleHandles) == 4);
  CHECK(Count(Counter::kDoubleEnds) + Count(Counter::kLateWrites) == 0);
}

TEST_CASE_FIXTURE(Table, "Find counts nothing") {
  CHECK(spans.Find(99) == nullptr);
  for (size_t i = 0; i < kCounterCount; ++i) CHECK(Count(static_cast<Counter>(i)) == 0);
}

TEST_CASE_FIXTURE(Table, "The spans of a scope come newest first") {
  const Handle scope = OpenScope();
  const Handle other = OpenScope();
  const Handle a = Open(scope);
  (void)Open(other);
  const Handle b = Open(scope, kSpanBounded, a);
  (void)Open();
  const Handle c = Open(scope, kSpanBounded, b);
  CHECK(Collect(scope) == std::vector<Handle>{c, b, a});
  CHECK(Collect(scope, true) == std::vector<Handle>{c, b});
}

TEST_CASE_FIXTURE(Table, "A span that ends leaves its scope wherever it stood in it") {
  const Handle scope = OpenScope();
  const Handle a = Open(scope);
  const Handle b = Open(scope);
  const Handle c = Open(scope);
  const Handle d = Open(scope);
  (void)End(b);
  CHECK(Collect(scope) == std::vector<Handle>{d, c, a});
  (void)End(d);
  CHECK(Collect(scope) == std::vector<Handle>{c, a});
  (void)End(a);
  CHECK(Collect(scope) == std::vector<Handle>{c});
  const Handle e = Open(scope);
  CHECK(Collect(scope) == std::vector<Handle>{e, c});
  (void)End(c);
  (void)End(e);
  CHECK(Collect(scope).empty());
}

TEST_CASE_FIXTURE(Table, "A closed scope is gone and its spans go on") {
  const Handle scope = OpenScope();
  const Handle a = Open(scope);
  const Handle b = Open(scope);
  CHECK(spans.CloseScope(scope) == Error::kOk);
  CHECK(spans.open_scopes() == 0);
  // The scope that takes the slot does not inherit them.
  const Handle next = OpenScope();
  CHECK(IndexOf(next) == IndexOf(scope));
  CHECK(Collect(next).empty());
  (void)End(a);
  (void)End(b);
  CHECK(Collect(next).empty());
  CHECK(Count(Counter::kSpansEnded) == 2);
}

TEST_CASE_FIXTURE(Table, "Calls on a scope that is gone are counted") {
  const Handle scope = OpenScope();
  CHECK(spans.CloseScope(scope) == Error::kOk);
  std::vector<Handle> open{1};
  CHECK(spans.CollectScope(scope, false, open) == Error::kAlreadyEnded);
  CHECK(open.empty());
  CHECK(Count(Counter::kLateWrites) == 1);
  CHECK(spans.CloseScope(scope) == Error::kAlreadyEnded);
  CHECK(Count(Counter::kDoubleEnds) == 1);
  CHECK(spans.CollectScope(kNoHandle, false, open) == Error::kStaleHandle);
  CHECK(spans.CloseScope(kNoHandle) == Error::kStaleHandle);
  CHECK(Count(Counter::kStaleHandles) == 2);
}

TEST_CASE_FIXTURE(Table, "A scope holds at most 1000 open spans") {
  CHECK(kMaxOpenSpansPerScope == 1'000);
  const Handle scope = OpenScope();
  std::vector<Handle> handles;
  for (int i = 0; i < 1'000; ++i) handles.push_back(Open(scope));
  CHECK(spans.Open({.scope = scope}).error() == Error::kLimitReached);
  CHECK(spans.Open({.scope = scope}).error() == Error::kLimitReached);
  CHECK(Count(Counter::kSpansRefused) == 2);
  CHECK(spans.open_spans() == 1'000);
  (void)Open();
  (void)Open(OpenScope());
  (void)End(handles[500]);
  (void)Open(scope);
  CHECK(spans.Open({.scope = scope}).error() == Error::kLimitReached);
  CHECK(Count(Counter::kSpansRefused) == 3);
  CHECK(Count(Counter::kSpansOpened) == 1'003);
}

TEST_CASE_FIXTURE(Table, "An isolate holds at most 10000 open spans: one more gives up the oldest") {
  CHECK(kMaxOpenSpans == 10'000);
  const Handle scope = OpenScope();
  std::vector<Handle> handles;
  handles.push_back(Open(scope));
  for (int i = 1; i < 10'000; ++i) handles.push_back(Open());
  // Ended out of turn, the second is not the oldest any more when the first is given up.
  (void)End(handles[1]);
  (void)Open();
  CHECK(Count(Counter::kSpansEvicted) == 0);
  const Handle more = Open(scope);
  CHECK(Count(Counter::kSpansEvicted) == 1);
  CHECK(spans.Find(handles[0]) == nullptr);
  CHECK(Collect(scope) == std::vector<Handle>{more});
  (void)Open();
  CHECK(spans.Find(handles[2]) == nullptr);
  CHECK(spans.Find(handles[3]) != nullptr);
  CHECK(spans.open_spans() == 10'000);
  CHECK(Count(Counter::kSpansRefused) == 0);
  CHECK(Count(Counter::kSpansEvicted) == 2);
  CHECK(Count(Counter::kSpansOpened) == Count(Counter::kSpansEnded) + Count(Counter::kSpansEvicted) + 10'000);
}

TEST_CASE_FIXTURE(Table, "An isolate holds at most 10000 open scopes: one more forgets the oldest") {
  CHECK(kMaxOpenScopes == 10'000);
  std::vector<Handle> scopes;
  for (int i = 0; i < 10'000; ++i) scopes.push_back(OpenScope());
  const Handle orphan = Open(scopes[0]);
  (void)OpenScope();
  CHECK(Count(Counter::kScopesEvicted) == 1);
  CHECK(spans.open_scopes() == 10'000);
  CHECK(spans.CloseScope(scopes[0]) == Error::kAlreadyEnded);
  // Its spans go on without it.
  CHECK(spans.End(orphan, Outcome::kFinished, 1).ok());
  CHECK(spans.CloseScope(scopes[1]) == Error::kOk);
  (void)OpenScope();
  CHECK(Count(Counter::kScopesEvicted) == 1);
}

}  // namespace
}  // namespace isotel::trace

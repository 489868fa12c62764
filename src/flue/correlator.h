// Which spans Flue's events open and end, what their parents are, and what ends together with what: a state machine over
// the identifiers of events. It holds no values and reads no clock.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/limits.h"
#include "flue/event.h"
#include "flue/id.h"
#include "flue/open_spans.h"
#include "flue/recent_ids.h"

namespace isotel::flue {

enum class Verb : uint32_t { kOpen, kEnd, kLog };

/// One thing to do with a span. The layout is part of the ABI.
struct Action {
  Verb verb = Verb::kEnd;
  Handle span = kNoHandle;
  SpanType type = SpanType::kWorkflow;
  /// kEnd: why.
  Ending ending = Ending::kOwnEvent;
  /// kOpen: the span to open it under; kNoHandle for a root.
  Handle parent = kNoHandle;
  /// kOpen: an open span, ended by one of the next actions, that the new one continues; kNoHandle for none.
  Handle predecessor = kNoHandle;
};

struct Limits {
  uint32_t open_spans = kMaxOpenFlueSpans;
  double span_age_ms = kMaxFlueSpanAgeMs;
};

class Correlator {
 public:
  explicit Correlator(const Limits& limits) : limits_(limits), spans_(limits.open_spans) {}

  /// What an event does, in this order. `now_ms` is when the event came, in milliseconds of a clock that does not go
  /// back much: spans that are too old by it end first. The list is valid until the next call.
  const std::vector<Action>& Take(const Event& event, double now_ms);

  /// Counts an event whose identifiers cannot be read.
  void Refuse() { Add(FlueCounter::kUnkeyedEvents); }

  /// The open span an event is about, or that stands for it; kNoHandle when there is none.
  [[nodiscard]] Handle Find(const Event& event);

  /// Ends every open span.
  const std::vector<Action>& EndAll();

  [[nodiscard]] uint32_t open_spans() const { return spans_.size(); }
  [[nodiscard]] uint64_t Count(FlueCounter counter) const { return counts_[static_cast<size_t>(counter)]; }

 private:
  void Start(const Event& event, const Id& key, double now_ms);
  void Resume(const Event& event, double now_ms);
  void Open(const Event& event, double now_ms, Handle predecessor);
  void End(const Event& event, const Id& key);
  void EndInside(const Event& event, Handle handle);
  void Settle(const Event& event);
  void Log(const Event& event);

  // The span's key, empty for none, which is valid until the next is asked for.
  [[nodiscard]] Id KeyOf(const Event& event, SpanType type);
  [[nodiscard]] Id ToolKeyOf(const Event& event);
  [[nodiscard]] Id CompactionKeyOf(const Event& event);
  [[nodiscard]] Handle ParentOf(const Event& event);
  [[nodiscard]] Belonging BelongingOf(const Event& event);
  [[nodiscard]] bool IsLate(const Event& event);
  void RememberEnd(char scope, const Id& id);
  [[nodiscard]] bool HasEnded(char scope, const Id& id);
  // An identifier of this scope, which is valid until the next is asked for.
  [[nodiscard]] Id Scoped(char scope, const Id& id);

  void EndOld(double now_ms);
  // Ends them and what belongs to the operations they are or stand for, the last to open first.
  void EndMembers(const Members& members, Ending ending, Handle except);
  void EndSpan(Handle handle, Ending ending);
  void Add(FlueCounter counter) { ++counts_[static_cast<size_t>(counter)]; }

  Limits limits_;
  OpenSpans spans_;
  RecentIds ended_{kMaxEndedFlueScopes};
  std::vector<Action> actions_;
  std::string key_;
  std::string scope_;
  std::array<uint64_t, kFlueCounterCount> counts_{};
};

}  // namespace isotel::flue

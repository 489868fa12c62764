// A state machine over the identifiers of Flue's events. It decides which spans an event opens and ends, what their
// parents are, and which spans end together. It holds no values of events and reads no clock.
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

enum class OpCode : uint32_t { kOpen, kEnd, kLog };

/// One operation on a span. The layout is part of the ABI.
struct SpanOp {
  OpCode code = OpCode::kEnd;
  Handle span = kNoHandle;
  SpanType type = SpanType::kWorkflow;
  /// kEnd: the reason.
  Ending ending = Ending::kOwnEvent;
  /// kOpen: the parent, or kNoHandle for a root.
  Handle parent = kNoHandle;
  /// kOpen: an open span that the new one continues and that a later op ends, or kNoHandle.
  Handle predecessor = kNoHandle;
};

struct Limits {
  uint32_t open_spans = kMaxOpenFlueSpans;
  double span_age_ms = kMaxFlueSpanAgeMs;
};

class Correlator {
 public:
  explicit Correlator(const Limits& limits) : limits_(limits), spans_(limits.open_spans) {}

  /// Returns the ops of an event, in order. Spans that are too old end first. The list is valid until the next call.
  ///
  /// @param now_ms Arrival time of the event. The clock may go back only a little.
  const std::vector<SpanOp>& Take(const Event& event, double now_ms);

  /// Counts an event with identifiers that cannot be read.
  void Refuse() { Add(FlueCounter::kUnkeyedEvents); }

  /// Returns the open span of an event or its alias, or kNoHandle.
  [[nodiscard]] Handle Find(const Event& event);

  /// Ends every open span.
  const std::vector<SpanOp>& EndAll();

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

  // Returns the key of a span; empty for none. Valid until the next call.
  [[nodiscard]] Id KeyOf(const Event& event, SpanType type);
  [[nodiscard]] Id ToolKeyOf(const Event& event);
  [[nodiscard]] Id CompactionKeyOf(const Event& event);
  [[nodiscard]] Handle ParentOf(const Event& event);
  [[nodiscard]] SpanGroups GroupsOf(const Event& event);
  [[nodiscard]] bool IsLate(const Event& event);
  void RememberEnd(char scope, const Id& id);
  [[nodiscard]] bool HasEnded(char scope, const Id& id);
  // Returns an identifier in a scope. Valid until the next call.
  [[nodiscard]] Id Scoped(char scope, const Id& id);

  void EndOld(double now_ms);
  // Ends these spans and all spans inside their operations, the last opened first.
  void EndMembers(const Members& members, Ending ending, Handle except);
  void EndSpan(Handle handle, Ending ending);
  void Add(FlueCounter counter) { ++counts_[static_cast<size_t>(counter)]; }

  Limits limits_;
  OpenSpans spans_;
  RecentIds ended_{kMaxEndedFlueScopes};
  std::vector<SpanOp> ops_;
  std::string key_;
  std::string scope_;
  std::array<uint64_t, kFlueCounterCount> counts_{};
};

}  // namespace isotel::flue

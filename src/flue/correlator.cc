#include "flue/correlator.h"

#include <initializer_list>

namespace isotel::flue {
namespace {

// The kinds of scopes for which the correlator remembers that they have ended.
constexpr char kRun = 'r';
constexpr char kOperation = 'o';
constexpr char kTask = 't';
constexpr char kSubmission = 's';

Id FirstOf(std::initializer_list<Id> ids) {
  for (const Id& id : ids) {
    if (!id.empty()) return id;
  }
  return {};
}

}  // namespace

const std::vector<SpanOp>& Correlator::Take(const Event& event, double now_ms) {
  ops_.clear();
  EndOld(now_ms);
  const Role role = Info(event.type).role;
  if (role == Role::kLog) {
    Log(event);
    return ops_;
  }
  const Id key = role == Role::kSettle ? event.submission : KeyOf(event, Info(event.type).span);
  if (key.empty() || key.text().size() > kMaxFlueKeyBytes) {
    Add(FlueCounter::kUnkeyedEvents);
    return ops_;
  }
  switch (role) {
    case Role::kStart:
      Start(event, key, now_ms);
      break;
    case Role::kEnd:
      End(event, key);
      break;
    case Role::kSettle:
      Settle(event);
      break;
    case Role::kLog:        // handled above
    case Role::kInterrupt:  // no event has this role
      break;
  }
  return ops_;
}

Handle Correlator::Find(const Event& event) {
  const SpanType type = Info(event.type).span;
  return spans_.Find(type, KeyOf(event, type));
}

const std::vector<SpanOp>& Correlator::EndAll() {
  ops_.clear();
  while (spans_.size() > 0) EndSpan(spans_.newest(), Ending::kDisposed);
  return ops_;
}

void Correlator::Start(const Event& event, const Id& key, double now_ms) {
  const SpanType type = Info(event.type).span;
  if (event.type == EventType::kRunResume) return Resume(event, now_ms);
  if (IsLate(event)) return Add(FlueCounter::kLateStarts);
  if (spans_.Find(type, key) != kNoHandle) return Add(FlueCounter::kDuplicateStarts);
  if (IsWithoutSpan(event)) return;
  if (event.is_gen_ai && event.is_prompt && type == SpanType::kOperation && !event.task.empty()) {
    const Handle task = spans_.Find(SpanType::kTask, event.task);
    if (task != kNoHandle) return spans_.AddAlias(task, event.operation);
  }
  Open(event, now_ms, kNoHandle);
}

void Correlator::Resume(const Event& event, double now_ms) {
  const Members before = spans_.OfRun(event.run);
  const Handle root = spans_.Find(SpanType::kWorkflow, event.run);
  spans_.GiveUpKey(root);
  Open(event, now_ms, root);
  // All open spans belong to the interrupted segment.
  EndMembers(before, Ending::kInterrupted, root);
  EndSpan(root, Ending::kResumed);
  ended_.Remove(Scoped(kRun, event.run));
}

void Correlator::Open(const Event& event, double now_ms, Handle predecessor) {
  if (spans_.IsFull()) EndSpan(spans_.oldest(), Ending::kEvicted);
  const SpanType type = SpanOf(event);
  const Handle parent = ParentOf(event);
  const SpanGroups groups = GroupsOf(event);
  // The predecessor may have been evicted to make room.
  if (spans_.Get(predecessor) == nullptr) predecessor = kNoHandle;
  const Handle handle = spans_.Add(type, KeyOf(event, KeyedAs(type)), groups, now_ms);
  ops_.push_back({.code = OpCode::kOpen, .span = handle, .type = type, .parent = parent, .predecessor = predecessor});
}

void Correlator::End(const Event& event, const Id& key) {
  const SpanType type = Info(event.type).span;
  const Handle handle = spans_.Find(type, key);
  EndInside(event, handle);
  if (handle != kNoHandle) {
    const bool is_its_own = spans_.Get(handle)->type == type;
    return is_its_own ? EndSpan(handle, Ending::kOwnEvent) : spans_.RemoveAlias(handle, event.operation);
  }
  if (!IsWithoutSpan(event)) Add(FlueCounter::kUnmatchedEnds);
}

void Correlator::EndInside(const Event& event, Handle handle) {
  switch (Info(event.type).span) {
    case SpanType::kWorkflow:
      EndMembers(spans_.OfRun(event.run), Ending::kRunEnded, handle);
      return RememberEnd(kRun, event.run);
    case SpanType::kOperation:
      EndMembers(spans_.InOperation(event.operation), Ending::kOperationEnded, handle);
      return RememberEnd(kOperation, event.operation);
    case SpanType::kTask:
      if (const OpenSpan* const task = spans_.Get(handle); task != nullptr) {
        for (const OwnedId* const operation : task->operations) {
          EndMembers(spans_.InOperation(*operation), Ending::kTaskEnded, handle);
          RememberEnd(kOperation, *operation);
        }
      }
      return RememberEnd(kTask, event.task);
    default:
      return;
  }
}

void Correlator::Settle(const Event& event) {
  EndMembers(spans_.OfSubmission(event.submission), Ending::kSettled, kNoHandle);
  RememberEnd(kSubmission, event.submission);
}

void Correlator::Log(const Event& event) {
  const Handle span = ParentOf(event);
  if (span == kNoHandle) return Add(FlueCounter::kUnattachedLogs);
  ops_.push_back({.code = OpCode::kLog, .span = span, .type = spans_.Get(span)->shown});
}

Id Correlator::KeyOf(const Event& event, SpanType type) {
  switch (type) {
    case SpanType::kWorkflow:
      return event.run;
    case SpanType::kOperation:
      return event.operation;
    case SpanType::kTurn:
      return event.turn;
    case SpanType::kTask:
      return event.task;
    case SpanType::kTool:
      return ToolKeyOf(event);
    case SpanType::kCompaction:
      return CompactionKeyOf(event);
    default:
      return {};
  }
}

Id Correlator::ToolKeyOf(const Event& event) {
  if (event.tool_call.empty()) return {};
  const Id within = FirstOf({event.turn, event.operation, event.task, event.run, event.instance});
  key_.assign(within.text()).append(1, kIdSeparator).append(event.tool_call.text());
  return {key_, Combine(within.hash(), event.tool_call.hash())};
}

Id Correlator::CompactionKeyOf(const Event& event) {
  const Id within = FirstOf({event.run, event.instance});
  key_.assign(within.text()).append(1, kIdSeparator).append(event.session.text());
  key_.append(1, kIdSeparator).append(event.operation.text());
  return {key_, Combine(Combine(within.hash(), event.session.hash()), event.operation.hash())};
}

Handle Correlator::ParentOf(const Event& event) {
  const auto find = [this](SpanType type, const Id& id) { return id.empty() ? kNoHandle : spans_.Find(type, id); };
  Handle nearest = kNoHandle;
  const bool is_log = Info(event.type).role == Role::kLog;
  switch (is_log ? SpanType::kTool : Info(event.type).span) {
    case SpanType::kOperation:
      nearest = find(SpanType::kTask, event.task);
      return nearest != kNoHandle ? nearest : find(SpanType::kWorkflow, event.run);
    case SpanType::kTurn:
      if (!event.is_compaction_turn) break;
      nearest = find(SpanType::kCompaction, CompactionKeyOf(event));
      break;
    case SpanType::kTool:
    case SpanType::kTask:
      // With the GenAI names, a turn ends before its tool calls begin.
      if (is_log || !event.is_gen_ai) nearest = find(SpanType::kTurn, event.turn);
      break;
    case SpanType::kCompaction:
      break;
    default:
      return kNoHandle;
  }
  if (nearest == kNoHandle && event.is_gen_ai) nearest = find(SpanType::kTask, event.task);
  if (nearest == kNoHandle) nearest = find(SpanType::kOperation, event.operation);
  return nearest != kNoHandle ? nearest : find(SpanType::kWorkflow, event.run);
}

SpanGroups Correlator::GroupsOf(const Event& event) {
  SpanGroups groups{.run = event.run, .operation = event.operation, .submission = event.submission};
  if (Info(event.type).span == SpanType::kOperation) {
    // A delegated operation joins the group of the operation that delegated it. The end of that operation ends it, even
    // without a run.
    const OpenSpan* const task = event.task.empty() ? nullptr : spans_.Get(spans_.Find(SpanType::kTask, event.task));
    const bool is_delegated = task != nullptr && task->operation != nullptr;
    groups.operation = is_delegated ? Id{task->operation->first} : Id{};
  }
  return groups;
}

bool Correlator::IsLate(const Event& event) {
  return HasEnded(kRun, event.run) || HasEnded(kOperation, event.operation) || HasEnded(kTask, event.task) ||
         HasEnded(kSubmission, event.submission);
}

void Correlator::RememberEnd(char scope, const Id& id) { ended_.Add(Scoped(scope, id)); }

bool Correlator::HasEnded(char scope, const Id& id) { return !id.empty() && ended_.Contains(Scoped(scope, id)); }

Id Correlator::Scoped(char scope, const Id& id) {
  scope_.assign(1, scope).append(id.text());
  return {scope_, Combine(id.hash(), static_cast<size_t>(scope))};
}

void Correlator::EndOld(double now_ms) {
  for (;;) {
    const OpenSpan* const oldest = spans_.Get(spans_.oldest());
    if (oldest == nullptr || !(now_ms - oldest->opened_ms > limits_.span_age_ms)) return;
    EndSpan(spans_.oldest(), Ending::kExpired);
  }
}

void Correlator::EndMembers(const Members& members, Ending ending, Handle except) {
  // Not recursive: tasks may delegate to any depth.
  Members waiting{members.rbegin(), members.rend()};
  Members ending_spans;
  while (!waiting.empty()) {
    const Handle handle = waiting.back();
    waiting.pop_back();
    OpenSpan* const span = spans_.Get(handle);
    if (span == nullptr || span->is_ending || handle == except) continue;
    span->is_ending = true;
    ending_spans.push_back(handle);
    const auto add_inner = [this, &waiting](const OwnedId& operation) {
      const Members inner = spans_.InOperation(operation);
      waiting.insert(waiting.end(), inner.rbegin(), inner.rend());
    };
    if (span->type == SpanType::kOperation) add_inner(*span->key);
    for (const OwnedId* const operation : span->operations) add_inner(*operation);
  }
  while (!ending_spans.empty()) {
    EndSpan(ending_spans.back(), ending);
    ending_spans.pop_back();
  }
}

void Correlator::EndSpan(Handle handle, Ending ending) {
  const OpenSpan* const span = spans_.Get(handle);
  if (span == nullptr) return;
  const SpanType type = span->type;
  const SpanType shown = span->shown;
  if (ending == Ending::kEvicted) {
    Add(FlueCounter::kEvictedSpans);
  } else if (ending == Ending::kExpired) {
    Add(FlueCounter::kExpiredSpans);
  } else if (ending != Ending::kOwnEvent) {
    Add(FlueCounter::kTerminatedSpans);
    // Later events of this span count as late. The ends of evicted spans, expired spans and resumed runs are not
    // remembered, because their events may continue.
    if (type == SpanType::kOperation) RememberEnd(kOperation, *span->key);
    if (type == SpanType::kTask) RememberEnd(kTask, *span->key);
    for (const OwnedId* const operation : span->operations) RememberEnd(kOperation, *operation);
  }
  spans_.Remove(handle);
  ops_.push_back({.code = OpCode::kEnd, .span = handle, .type = shown, .ending = ending});
}

}  // namespace isotel::flue

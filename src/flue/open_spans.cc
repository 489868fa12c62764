#include "flue/open_spans.h"

#include <algorithm>

namespace isotel::flue {
namespace {

Members MembersOf(const IdMap<Members>& groups, const Id& id) {
  const auto found = groups.find(id);
  return found == groups.end() ? Members{} : found->second;
}

}  // namespace

Handle OpenSpans::Find(SpanType type, const Id& key) const {
  const IdMap<Handle>& keys = by_key_[static_cast<size_t>(type)];
  const auto found = keys.find(key);
  return found == keys.end() ? kNoHandle : found->second;
}

Handle OpenSpans::Add(SpanType shown, const Id& key, const SpanGroups& groups, double now_ms) {
  const Handle handle = spans_.Insert().value();
  OpenSpan* const span = spans_.Find(handle);
  const SpanType type = KeyedAs(shown);
  span->type = type;
  span->shown = shown;
  span->opened_ms = now_ms;
  span->key = &by_key_[static_cast<size_t>(type)].emplace(key, handle).first->first;
  span->run = Join(runs_, groups.run, handle);
  span->operation = Join(operations_, groups.operation, handle);
  span->submission = Join(submissions_, groups.submission, handle);
  return handle;
}

void OpenSpans::AddAlias(Handle handle, const Id& operation) {
  IdMap<Handle>& keys = by_key_[static_cast<size_t>(SpanType::kOperation)];
  spans_.Find(handle)->operations.push_back(&keys.emplace(operation, handle).first->first);
}

void OpenSpans::RemoveAlias(Handle handle, const Id& operation) {
  IdMap<Handle>& keys = by_key_[static_cast<size_t>(SpanType::kOperation)];
  const auto found = keys.find(operation);
  std::erase(spans_.Find(handle)->operations, &found->first);
  keys.erase(found);
}

void OpenSpans::GiveUpKey(Handle handle) {
  OpenSpan* const span = spans_.Find(handle);
  if (span == nullptr || span->key == nullptr) return;
  IdMap<Handle>& keys = by_key_[static_cast<size_t>(span->type)];
  keys.erase(keys.find(*span->key));
  span->key = nullptr;
}

void OpenSpans::Remove(Handle handle) {
  GiveUpKey(handle);
  const OpenSpan* const span = spans_.Find(handle);
  if (span == nullptr) return;
  Leave(runs_, span->run, handle);
  Leave(operations_, span->operation, handle);
  Leave(submissions_, span->submission, handle);
  IdMap<Handle>& keys = by_key_[static_cast<size_t>(SpanType::kOperation)];
  for (const OwnedId* const operation : span->operations) keys.erase(keys.find(*operation));
  spans_.Erase(handle);
}

Members OpenSpans::OfRun(const Id& run) const { return MembersOf(runs_, run); }

Members OpenSpans::OfSubmission(const Id& submission) const { return MembersOf(submissions_, submission); }

Members OpenSpans::InOperation(const Id& operation) const { return MembersOf(operations_, operation); }

Group* OpenSpans::Join(IdMap<Members>& groups, const Id& id, Handle handle) {
  if (id.empty()) return nullptr;
  auto found = groups.find(id);
  if (found == groups.end()) found = groups.emplace(id, Members{}).first;
  found->second.push_back(handle);
  return &*found;
}

void OpenSpans::Leave(IdMap<Members>& groups, Group* group, Handle handle) {
  if (group == nullptr) return;
  Members& members = group->second;
  // Mostly the last opened span ends first.
  const auto found = std::find(members.rbegin(), members.rend(), handle);
  members.erase(std::next(found).base());
  if (members.empty()) groups.erase(groups.find(group->first));
}

}  // namespace isotel::flue

// The spans that are open, by what identifies them and by the run and the operation they belong to.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/handle_table.h"
#include "flue/id.h"
#include "flue/tables.h"

namespace isotel::flue {

struct OpenSpan;

/// What belongs to one run, or to one operation: the first to open comes first.
using Members = std::vector<Handle>;
using Group = IdMap<Members>::value_type;

struct OpenSpan {
  SpanType type = SpanType::kWorkflow;   // what it is keyed as
  SpanType shown = SpanType::kWorkflow;  // the row of spans.def
  double opened_ms = 0;
  bool is_ending = false;                // for whoever collects what ends together
  const OwnId* key = nullptr;            // null once it was given up
  std::vector<const OwnId*> operations;  // that it stands for besides
  Group* run = nullptr;                  // null outside of any
  Group* operation = nullptr;            // the one it runs in; null outside of any
  Group* submission = nullptr;           // null outside of any
};

/// What a span belongs to besides its parent; empty for none.
struct Belonging {
  Id run;
  Id operation;
  Id submission;
};

class OpenSpans {
 public:
  explicit OpenSpans(uint32_t capacity) : spans_(capacity), capacity_(capacity) {}

  /// The open span of this type and key; kNoHandle when there is none.
  [[nodiscard]] Handle Find(SpanType type, const Id& key) const;

  /// Adds a span, shown as a row of spans.def. There must be room, and no span of the type it is keyed as and this key.
  Handle Add(SpanType shown, const Id& key, const Belonging& belonging, double now_ms);

  /// Lets an open span stand for an operation, of which none is open, until the operation or the span ends.
  void StandFor(Handle handle, const Id& operation);
  void StandForNoMore(Handle handle, const Id& operation);

  /// Lets another span have the key of an open one, which stays open.
  void GiveUpKey(Handle handle);

  /// Removes an open span from everything.
  void Remove(Handle handle);

  /// The open span; null for any other handle.
  OpenSpan* Get(Handle handle) { return spans_.Find(handle); }

  /// The open spans of a run, of a submission or in an operation, the first to open first.
  [[nodiscard]] Members OfRun(const Id& run) const;
  [[nodiscard]] Members OfSubmission(const Id& submission) const;
  [[nodiscard]] Members InOperation(const Id& operation) const;

  [[nodiscard]] Handle oldest() const { return spans_.oldest(); }
  [[nodiscard]] Handle newest() const { return spans_.newest(); }
  [[nodiscard]] uint32_t size() const { return spans_.size(); }
  [[nodiscard]] bool IsFull() const { return spans_.size() == capacity_; }

 private:
  static Group* Join(IdMap<Members>& groups, const Id& id, Handle handle);
  static void Leave(IdMap<Members>& groups, Group* group, Handle handle);

  HandleTable<OpenSpan> spans_;
  uint32_t capacity_;
  std::array<IdMap<Handle>, static_cast<size_t>(SpanType::kCount)> by_key_;
  IdMap<Members> runs_;
  IdMap<Members> operations_;
  IdMap<Members> submissions_;
};

}  // namespace isotel::flue

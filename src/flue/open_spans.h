// The open spans, by their keys and by the run, operation and submission that they belong to.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/handle_table.h"
#include "flue/id.h"
#include "flue/tables.h"

namespace isotel::flue {

struct OpenSpan;

/// The spans of one run, operation or submission, the first opened first.
using Members = std::vector<Handle>;
using Group = IdMap<Members>::value_type;

struct OpenSpan {
  SpanType type = SpanType::kWorkflow;   // the row whose keys it uses
  SpanType shown = SpanType::kWorkflow;  // its own row
  double opened_ms = 0;
  bool is_ending = false;                  // set while spans that end together are collected
  const OwnedId* key = nullptr;            // null after GiveUpKey()
  std::vector<const OwnedId*> operations;  // its aliases: operations it stands for
  Group* run = nullptr;                    // null for none
  Group* operation = nullptr;              // the one it runs in; null for none
  Group* submission = nullptr;             // null for none
};

/// The groups of a span. Empty for none.
struct SpanGroups {
  Id run;
  Id operation;
  Id submission;
};

class OpenSpans {
 public:
  explicit OpenSpans(uint32_t capacity) : spans_(capacity), capacity_(capacity) {}

  /// Returns the open span of this type and key, or kNoHandle.
  [[nodiscard]] Handle Find(SpanType type, const Id& key) const;

  /// Adds a span. There must be room, and no open span with this key.
  ///
  /// @param shown The row of spans.def. KeyedAs(shown) is the row whose keys it uses.
  Handle Add(SpanType shown, const Id& key, const SpanGroups& groups, double now_ms);

  /// Lets an open span represent an operation without a span, until the operation or the span ends.
  void AddAlias(Handle handle, const Id& operation);
  void RemoveAlias(Handle handle, const Id& operation);

  /// Frees the key of an open span for another one. The span stays open.
  void GiveUpKey(Handle handle);

  /// Removes an open span.
  void Remove(Handle handle);

  /// Returns the open span, or null for any other handle.
  OpenSpan* Get(Handle handle) { return spans_.Find(handle); }

  /// Returns the open spans of a run, of a submission or in an operation, the first opened first.
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

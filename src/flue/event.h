// The identifiers and flags of an event of Flue that decide about spans.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "flue/id.h"
#include "flue/tables.h"

namespace isotel::flue {

/// Identifiers that the event does not have are empty. The event does not own the texts.
struct Event {
  EventType type = EventType::kLog;
  /// A turn that summarizes for a compaction.
  bool is_compaction_turn = false;
  /// Spans follow the conventions for generative AI. The flags below matter only then.
  bool is_gen_ai = false;
  /// An operation that is a prompt. If a task delegates it, the task represents it.
  bool is_prompt = false;
  /// An operation that is a skill.
  bool is_skill = false;
  /// An operation that is a shell, or the tool call in it.
  bool is_shell = false;
  /// The framework's tool that delegates a task. The task has a span, the tool call has none.
  bool is_task_tool = false;
  // Initialized, so that a designated initializer may leave them out.
  // NOLINTBEGIN(readability-redundant-member-init)
#define ISOTEL_FLUE_ID(name) Id name = {};
#include "flue/ids.def"
#undef ISOTEL_FLUE_ID
  // NOLINTEND(readability-redundant-member-init)
};

inline constexpr char kIdSeparator = '\0';

/// The identifiers of earlier events. Most events repeat those of the event before, so that the host passes only
/// changes.
class KnownIds {
 public:
  static constexpr uint32_t kCount = 0
#define ISOTEL_FLUE_ID(name) +1
#include "flue/ids.def"
#undef ISOTEL_FLUE_ID
      ;

  /// Sets the identifiers of an event. Bit i of `ids`: the event has the identifier at row i of ids.def. Bit kCount +
  /// i: that identifier differs from the last one in this row. `text` has the different ones in order, with a
  /// kIdSeparator after each.
  ///
  /// Returns kOutOfRange when `text` has more or fewer, as when an identifier contains the separator. The known
  /// identifiers are then unspecified.
  [[nodiscard]] Error Read(uint32_t ids, std::string_view text, Event& event);

 private:
  std::array<OwnedId, kCount> known_;
};

/// Returns the row of spans.def for the span that an event starts.
[[nodiscard]] SpanType SpanOf(const Event& event);

/// Returns whether the event starts or ends something that has no span.
[[nodiscard]] bool IsWithoutSpan(const Event& event);

}  // namespace isotel::flue

// One event of Flue, as far as it decides which span it belongs to.
#pragma once

#include <string_view>

#include "base/result.h"
#include "flue/tables.h"

namespace isotel::flue {

/// Identifiers are empty where the event has none. The views are those of whoever made the event.
struct Event {
  EventType type = EventType::kLog;
  /// Of a turn: it summarizes for a compaction.
  bool is_compaction_turn = false;
  /// It becomes what the conventions for generative AI have, which is less: the rest only matters then.
  bool is_gen_ai = false;
  /// Of an operation: a prompt, which a task that delegates it stands for.
  bool is_prompt = false;
  /// Of an operation: a skill.
  bool is_skill = false;
  /// A shell the program asked for: of an operation, and of the tool call that is in it.
  bool is_shell = false;
  /// Of a tool call: the framework's own that delegates a task, which has a span itself.
  bool is_task_tool = false;
  // Initialized so that a designated initializer may leave them out.
  // NOLINTBEGIN(readability-redundant-member-init)
  std::string_view run = {};
  std::string_view instance = {};
  std::string_view session = {};
  std::string_view operation = {};
  std::string_view task = {};
  std::string_view turn = {};
  std::string_view tool_call = {};
  std::string_view submission = {};
  // NOLINTEND(readability-redundant-member-init)
};

inline constexpr char kIdSeparator = '\0';

/// Reads the identifiers in the order above, with a kIdSeparator between each two. kOutOfRange when there are not exactly
/// eight, which is the case when one contains the separator.
[[nodiscard]] Error ReadIds(std::string_view text, Event& event);

/// The span that stands for what the event starts.
[[nodiscard]] SpanType SpanOf(const Event& event);

/// Whether the event is of something that has no span of its own, whatever else is open.
[[nodiscard]] bool IsWithoutSpan(const Event& event);

}  // namespace isotel::flue

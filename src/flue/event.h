// One event of Flue, as far as it decides which span it belongs to.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "flue/id.h"
#include "flue/tables.h"

namespace isotel::flue {

/// Identifiers are empty where the event has none. The texts are those of whoever made the event.
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
  Id run = {};
  Id instance = {};
  Id session = {};
  Id operation = {};
  Id task = {};
  Id turn = {};
  Id tool_call = {};
  Id submission = {};
  // NOLINTEND(readability-redundant-member-init)
};

inline constexpr char kIdSeparator = '\0';

/// The identifiers of the events before, which the next ones mostly repeat.
class KnownIds {
 public:
  static constexpr uint32_t kCount = 8;

  /// Reads the identifiers of an event. Bit i of `ids` says that it has the one at position i of the order above, bit
  /// kCount + i that this one is another than the last that was at this position. Those are in `text`, in their order,
  /// with a kIdSeparator after each. kOutOfRange when there are not exactly as many, which is the case when one contains
  /// the separator; which ones are known is unspecified then.
  [[nodiscard]] Error Read(uint32_t ids, std::string_view text, Event& event);

 private:
  std::array<OwnId, kCount> known_;
};

/// The span that stands for what the event starts.
[[nodiscard]] SpanType SpanOf(const Event& event);

/// Whether the event is of something that has no span of its own, whatever else is open.
[[nodiscard]] bool IsWithoutSpan(const Event& event);

}  // namespace isotel::flue

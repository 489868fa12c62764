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
  // Initialized so that a designated initializer may leave them out.
  // NOLINTBEGIN(readability-redundant-member-init)
  std::string_view run = {};
  std::string_view instance = {};
  std::string_view session = {};
  std::string_view operation = {};
  std::string_view task = {};
  std::string_view turn = {};
  std::string_view tool_call = {};
  // NOLINTEND(readability-redundant-member-init)
};

inline constexpr char kIdSeparator = '\0';

/// Reads the identifiers in the order above, with a kIdSeparator between each two. kOutOfRange when there are not exactly
/// seven, which is the case when one contains the separator.
[[nodiscard]] Error ReadIds(std::string_view text, Event& event);

}  // namespace isotel::flue

// The tables of Flue's events, spans and attributes as constants.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace isotel::flue {

/// The versions of events, which have their values in different places.
enum class Format : uint8_t { kV1, kV3, kCount };
enum class Role : uint8_t { kStart, kEnd, kLog, kInterrupt, kSettle };

enum class EventType : uint8_t {
#define ISOTEL_FLUE_EVENT(name, type, role, span, asks, time, ids) name,
#include "flue/events.def"
#undef ISOTEL_FLUE_EVENT
  kCount
};

enum class SpanType : uint32_t {
#define ISOTEL_FLUE_SPAN(name, prefix, kind, as, target, target_v3, failure) name,
#include "flue/spans.def"
#undef ISOTEL_FLUE_SPAN
  kCount
};

enum class Ending : uint32_t {
#define ISOTEL_FLUE_ENDING(name, message) name,
#include "flue/endings.def"
#undef ISOTEL_FLUE_ENDING
};

enum class FlueCounter : uint8_t {
#define ISOTEL_FLUE_COUNTER(name, wire_name) name,
#include "flue/counters.def"
#undef ISOTEL_FLUE_COUNTER
  kCount
};

inline constexpr size_t kFlueCounterCount = static_cast<size_t>(FlueCounter::kCount);

struct EventInfo {
  Role role;
  SpanType span;
};

/// Returns the row of an event.
[[nodiscard]] const EventInfo& Info(EventType type);

/// Returns the row whose keys a span uses; for most its own.
[[nodiscard]] SpanType KeyedAs(SpanType type);

/// Returns the fields that an event of this role and format sets on a span: positions in fields.def, in the order of
/// the attributes.
[[nodiscard]] std::vector<uint32_t> PlanOf(Format format, Role role, SpanType span);

}  // namespace isotel::flue

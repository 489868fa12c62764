// The tables of Flue's events, the spans they become and their attributes as constants.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace isotel::flue {

/// Where an event's values are: by the `v` of events.
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

/// The row of an event; `type` is one.
[[nodiscard]] const EventInfo& Info(EventType type);

/// The row whose identifiers a span has; for most its own.
[[nodiscard]] SpanType KeyedAs(SpanType type);

/// The fields that an event in this role sets on a span when its values are read in `format`: positions in fields.def, in
/// the order of the attributes.
[[nodiscard]] std::vector<uint32_t> PlanOf(Format format, Role role, SpanType span);

}  // namespace isotel::flue

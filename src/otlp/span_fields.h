// The fields of a span.
#pragma once

#include <cstdint>
#include <string_view>

#include "otlp/field.h"

namespace isotel::otlp {

namespace span {
inline constexpr Field kTraceId{1, "traceId"};
inline constexpr Field kSpanId{2, "spanId"};
inline constexpr Field kTraceState{3, "traceState"};
inline constexpr Field kParentSpanId{4, "parentSpanId"};
inline constexpr Field kName{5, "name"};
inline constexpr Field kKind{6, "kind"};
inline constexpr Field kStartTime{7, "startTimeUnixNano"};
inline constexpr Field kEndTime{8, "endTimeUnixNano"};
inline constexpr Field kAttributes{9, "attributes"};
inline constexpr Field kDroppedAttributes{10, "droppedAttributesCount"};
inline constexpr Field kEvents{11, "events"};
inline constexpr Field kDroppedEvents{12, "droppedEventsCount"};
inline constexpr Field kLinks{13, "links"};
inline constexpr Field kDroppedLinks{14, "droppedLinksCount"};
inline constexpr Field kStatus{15, "status"};
inline constexpr Field kFlags{16, "flags"};
}  // namespace span

/// The first fields of a span.
struct SpanHead {
  std::string_view trace_id;        ///< 16 bytes
  std::string_view span_id;         ///< 8 bytes
  std::string_view parent_span_id;  ///< 8 bytes, or empty
  std::string_view trace_state;
  std::string_view name;
  uint32_t kind = 0;
  uint64_t start_unix_nano = 0;
  uint64_t end_unix_nano = 0;
};

}  // namespace isotel::otlp

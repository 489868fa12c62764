// Status, kind and outcome of a span. As in OpenTelemetry, Ok is final, Error overrides Unset and Unset overrides
// nothing.
#pragma once

#include <cstdint>

namespace isotel::trace {

/// Values as in opentelemetry.proto.trace.v1.Status.StatusCode.
enum class StatusCode : uint8_t { kUnset = 0, kOk = 1, kError = 2 };

/// Values as in opentelemetry.proto.trace.v1.Span.SpanKind.
enum class SpanKind : uint8_t {
  kUnspecified = 0,
  kInternal = 1,
  kServer = 2,
  kClient = 3,
  kProducer = 4,
  kConsumer = 5
};

enum class Outcome : uint8_t {
#define ISOTEL_OUTCOME(name, code) name = code,
#include "trace/outcomes.def"
#undef ISOTEL_OUTCOME
};

inline constexpr uint32_t kOutcomeCount = 0
#define ISOTEL_OUTCOME(name, code) +1
#include "trace/outcomes.def"
#undef ISOTEL_OUTCOME
    ;

[[nodiscard]] constexpr StatusCode Combine(StatusCode current, StatusCode next) {
  if (current == StatusCode::kOk || next == StatusCode::kUnset) return current;
  return next;
}

}  // namespace isotel::trace

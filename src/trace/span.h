// One span that is recording. The host holds its attribute values. The span counts them: how many there are, how many
// bytes they take and how many were dropped.
#pragma once

#include <cstdint>

#include "base/handle.h"
#include "trace/status.h"

namespace isotel::trace {

/// Flags of a span, set when it is opened.
inline constexpr uint32_t kSpanBounded = 1U << 0;   ///< ends no later than the body of its scope
inline constexpr uint32_t kSpanNative = 1U << 1;    ///< feeds the Workers runtime: kNativeSpanBytes applies
inline constexpr uint32_t kSpanUntraced = 1U << 2;  ///< feeds no trace: only its metrics are recorded
/// Also feeds a sink without limits: plans include what is cut or left out of the native span.
inline constexpr uint32_t kSpanWhole = 1U << 3;

struct Span {
  Handle parent = kNoHandle;
  Handle scope = kNoHandle;
  /// Neighbours in the list of the scope's open spans, newest first.
  Handle newer = kNoHandle;
  Handle older = kNoHandle;

  double start_unix_ms = 0;
  uint32_t flags = 0;
  uint32_t operation = 0;
  SpanKind kind = SpanKind::kInternal;
  StatusCode status = StatusCode::kUnset;

  uint32_t user_attributes = 0;
  uint32_t attribute_bytes = 0;
  uint32_t dropped_attributes = 0;
  uint32_t cut_attributes = 0;

  [[nodiscard]] bool bounded() const { return (flags & kSpanBounded) != 0; }
  [[nodiscard]] bool untraced() const { return (flags & kSpanUntraced) != 0; }
  [[nodiscard]] bool native() const { return (flags & kSpanNative) != 0; }
  [[nodiscard]] bool whole() const { return (flags & kSpanWhole) != 0; }
  /// Returns whether no sink of the span limits the bytes of a value.
  [[nodiscard]] bool unlimited() const { return whole() && !native(); }
};

}  // namespace isotel::trace

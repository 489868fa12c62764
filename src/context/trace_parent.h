// The traceparent header of W3C Trace Context (https://www.w3.org/TR/trace-context-2/).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace isotel::context {

/// What a header says; the digits are views on it, lower-case and not all zero.
struct TraceParent {
  std::string_view trace_id;  ///< 32
  std::string_view span_id;   ///< 16
  uint8_t flags = 0;
};

/// White space around the header is left out. A version this build does not know is read as far as version 00 goes, if
/// nothing or a dash follows there. kInvalidValue for everything the specification has no trace for.
Result<TraceParent> ParseTraceParent(std::string_view header);

}  // namespace isotel::context

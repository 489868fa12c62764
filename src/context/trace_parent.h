// The traceparent header of W3C Trace Context (https://www.w3.org/TR/trace-context-2/).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace isotel::context {

/// The content of a header. The digits are views on it, lower-case and not all zero.
struct TraceParent {
  std::string_view trace_id;  ///< 32
  std::string_view span_id;   ///< 16
  uint8_t flags = 0;
};

/// Parses a header, with or without white space around it. Of a version after 00 it reads the part that version 00 has,
/// if that is the end or a dash follows. Returns kInvalidValue for every header that the specification rejects.
Result<TraceParent> ParseTraceParent(std::string_view header);

}  // namespace isotel::context

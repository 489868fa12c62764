// The tracestate header of W3C Trace Context: up to 32 members `key=value`, the last changed one first.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/wire.h"

namespace isotel::context {

inline constexpr size_t kMaxTraceStateMembers = 32;
/// A longer header loses members: first those of more than 128 characters, then the last ones.
inline constexpr size_t kMaxTraceStateBytes = 512;

/// Appends the members of a header, or of several joined by commas, without white space and empty members. Returns
/// kInvalidValue and appends nothing for an invalid member, a repeated key or too many members: the whole header is
/// then dropped.
Error ParseTraceState(std::string_view header, ByteWriter& out);

}  // namespace isotel::context

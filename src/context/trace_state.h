// The tracestate header of W3C Trace Context: up to 32 members `key=value`, the one changed last first.
#pragma once

#include <string_view>

#include "base/error.h"
#include "metrics/wire.h"

namespace isotel::context {

inline constexpr size_t kMaxTraceStateMembers = 32;
/// What everyone passes on. Of a longer one members of more than 128 characters go first, then the last ones.
inline constexpr size_t kMaxTraceStateBytes = 512;

/// Appends the members of a header (of several, joined by commas) without white space and empty members. kInvalidValue,
/// with nothing appended, for a member that is none, a key that comes twice, or too many: all of it is to be dropped.
Error ParseTraceState(std::string_view header, metrics::ByteWriter& out);

}  // namespace isotel::context

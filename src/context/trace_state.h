// The tracestate header of W3C Trace Context: up to 32 members `key=value`, the one changed last first.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace isotel::context {

inline constexpr size_t kMaxTraceStateMembers = 32;
/// What everyone passes on. Of a longer one members of more than 128 characters go first, then the last ones.
inline constexpr size_t kMaxTraceStateBytes = 512;

/// The members of a header (of several, joined by commas) without white space and empty members. kInvalidValue for a
/// member that is none, a key that comes twice, or too many: all of it is to be dropped then.
Result<std::string> ParseTraceState(std::string_view header);

/// `state`, which ParseTraceState() answered, with `key` first and with this value; without `key` when the value is
/// empty. kInvalidValue when key or value are none.
Result<std::string> WithMember(std::string_view state, std::string_view key, std::string_view value);

}  // namespace isotel::context

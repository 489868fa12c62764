// Span names: `{operation} {target}`, within what the Workers runtime keeps of a name.
#pragma once

#include <string>
#include <string_view>

#include "genai/operation.h"

namespace isotel::genai {

/// The name of a span: that of a custom one is its target, cut. Any other is the bare operation when there is no target or the whole would take more than
/// kMaxNameBytes bytes. An operation without a prefix is named by its target, cut to that. The target stays available as an attribute: query on gen_ai.operation.name.
[[nodiscard]] std::string SpanName(Operation operation, std::string_view target);

}  // namespace isotel::genai

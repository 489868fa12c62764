// The messages, instructions and tools of a GenAI span as the flat attributes of OpenInference.
#pragma once

#include <cstdint>
#include <string_view>

#include "otlp/dialect.h"

namespace isotel::otlp {

/// Attributes that the messages or tools of one span may become. The rest is in `input.value` and `output.value`.
inline constexpr uint32_t kMaxMessageAttributes = 2'048;

/// Writes gen_ai.system_instructions as the message `prefix`.0. Returns the number of messages: 0 or 1.
uint32_t WriteInstructions(std::string_view prefix, std::string_view json, AttributeWriter& out);
/// Writes gen_ai.input.messages or gen_ai.output.messages from index `first` on. Writes nothing if `json` is not JSON.
void WriteMessages(std::string_view prefix, std::string_view json, uint32_t first, AttributeWriter& out);
/// Writes gen_ai.tool.definitions.
void WriteTools(std::string_view prefix, std::string_view json, AttributeWriter& out);

}  // namespace isotel::otlp

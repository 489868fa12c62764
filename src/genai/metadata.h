// Telemetry metadata and runtime context of a call -> attribute names on its operation span.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace isotel::genai {

/// Where an entry comes from. Values are part of the ABI.
enum class MetadataSource : uint32_t {
  kMetadata = 0,        ///< `metadata` of v6 telemetry options
  kRuntimeContext = 1,  ///< the included part of v7's `runtimeContext`
};

/// The attribute an entry lands on: a reserved key keeps its own name, any other gets the prefix of its source.
/// Empty for identity keys (agentId, agentName, agentVersion, conversationId and their gen_ai.* forms): they
/// have fields of their own and are never passed through.
[[nodiscard]] std::string MetadataKey(MetadataSource source, std::string_view key);

}  // namespace isotel::genai

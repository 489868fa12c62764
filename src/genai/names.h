// Names that the core computes: of spans, of providers, and the keys of metadata.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "genai/operation.h"

namespace isotel::genai {

/// Returns the name of a span, at most kMaxNameBytes bytes: `{operation} {target}`. Without a target, or when both are
/// too long, it is the operation alone; the target is an attribute in any case. A custom operation has no name of its
/// own: the name is the target, cut at a character.
[[nodiscard]] std::string SpanName(Operation operation, std::string_view target);

/// Returns the well-known value of gen_ai.provider.name for an AI SDK identifier such as `openai.chat` or
/// `google-vertex`, in any letter case. Returns the identifier itself where there is none: the conventions allow custom
/// values. The result points into static storage or into `provider`.
[[nodiscard]] std::string_view NormalizeProvider(std::string_view provider);

/// Where a metadata entry comes from. Values are part of the ABI.
enum class MetadataSource : uint32_t {
  kMetadata = 0,        ///< `metadata` of v6 telemetry options
  kRuntimeContext = 1,  ///< the included part of v7's `runtimeContext`
};

/// Returns the attribute key of a metadata entry. A reserved key keeps its own name; any other key gets the prefix of
/// its source. Returns an empty text for identity keys (agentId, agentName, agentVersion, conversationId and their
/// gen_ai.* forms): these have fields of their own.
[[nodiscard]] std::string MetadataKey(MetadataSource source, std::string_view key);

}  // namespace isotel::genai

#include "genai/metadata.h"

#include <algorithm>
#include <array>

namespace isotel::genai {
namespace {

constexpr std::array<std::string_view, 8> kConsumed{
    "agentId",         "agentName",         "agentVersion",         "conversationId",
    "gen_ai.agent.id", "gen_ai.agent.name", "gen_ai.agent.version", "gen_ai.conversation.id"};

constexpr std::array<std::string_view, 7> kReserved{"cloudflare.agents.turn.request_id",
                                                    "cloudflare.agents.turn.trigger",
                                                    "cloudflare.agents.turn.admission",
                                                    "cloudflare.agents.turn.channel",
                                                    "cloudflare.agents.turn.continuation",
                                                    "cloudflare.agents.turn.generation",
                                                    "user.id"};

template <size_t kSize>
bool Contains(const std::array<std::string_view, kSize>& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

std::string MetadataKey(MetadataSource source, std::string_view key) {
  if (Contains(kConsumed, key)) return {};
  if (key == "userId") return "user.id";
  if (Contains(kReserved, key)) return std::string(key);
  std::string name =
      source == MetadataSource::kMetadata ? "cloudflare.agents.metadata." : "cloudflare.agents.runtime_context.";
  name += key;
  return name;
}

}  // namespace isotel::genai

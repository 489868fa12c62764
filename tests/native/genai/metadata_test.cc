#include <doctest/doctest.h>

#include <string>

#include "genai/names.h"

namespace isotel::genai {
namespace {

constexpr MetadataSource kBoth[]{MetadataSource::kMetadata, MetadataSource::kRuntimeContext};

TEST_CASE("A metadata entry gets the prefix of its source") {
  CHECK(MetadataKey(MetadataSource::kMetadata, "tenant") == "cloudflare.agents.metadata.tenant");
  CHECK(MetadataKey(MetadataSource::kRuntimeContext, "tenant") == "cloudflare.agents.runtime_context.tenant");
  CHECK(MetadataKey(MetadataSource::kMetadata, "a.b") == "cloudflare.agents.metadata.a.b");
  CHECK(MetadataKey(MetadataSource::kMetadata, "\xC3\xA9") == "cloudflare.agents.metadata.\xC3\xA9");
}

TEST_CASE("Identity keys are consumed and never passed through") {
  for (const MetadataSource source : kBoth) {
    for (const char* key : {"agentId", "agentName", "agentVersion", "conversationId", "gen_ai.agent.id",
                            "gen_ai.agent.name", "gen_ai.agent.version", "gen_ai.conversation.id"}) {
      CAPTURE(key);
      CHECK(MetadataKey(source, key).empty());
    }
  }
}

TEST_CASE("Keys of a turn and the user keep their own name") {
  for (const MetadataSource source : kBoth) {
    for (const char* key : {"request_id", "trigger", "admission", "channel", "continuation", "generation"}) {
      CAPTURE(key);
      const std::string turn = std::string("cloudflare.agents.turn.") + key;
      CHECK(MetadataKey(source, turn) == turn);
      CHECK(MetadataKey(source, key) != turn);
    }
    CHECK(MetadataKey(source, "userId") == "user.id");
    CHECK(MetadataKey(source, "user.id") == "user.id");
  }
}

TEST_CASE("Keys that only resemble a reserved one get the prefix") {
  for (const char* key : {"agentid", "AgentId", "agentId ", "userid", "user", "cloudflare.agents.turn.",
                          "cloudflare.agents.turn.other", "gen_ai.agent", ""}) {
    CAPTURE(key);
    CHECK(MetadataKey(MetadataSource::kMetadata, key) == std::string("cloudflare.agents.metadata.") + key);
  }
}

}  // namespace
}  // namespace isotel::genai

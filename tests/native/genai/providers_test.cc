#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "genai/names.h"

namespace isotel::genai {
namespace {

struct Row {
  std::string_view identifier;
  std::string_view name;
};

constexpr Row kRows[]{
    {"google.vertex", "gcp.vertex_ai"},
    {"google-vertex", "gcp.vertex_ai"},
    {"google.generative-ai", "gcp.gemini"},
    {"google", "gcp.gemini"},
    {"amazon-bedrock", "aws.bedrock"},
    {"bedrock", "aws.bedrock"},
    {"azure-openai", "azure.ai.openai"},
    {"azure", "azure.ai.inference"},
    {"mistral", "mistral_ai"},
    {"xai", "x_ai"},
    {"anthropic", "anthropic"},
    {"openai", "openai"},
    {"cohere", "cohere"},
    {"groq", "groq"},
    {"deepseek", "deepseek"},
    {"perplexity", "perplexity"},
};

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

TEST_CASE("Known identifiers become the names of the conventions with any suffix and in any case") {
  for (const Row& row : kRows) {
    const std::string identifier(row.identifier);
    CAPTURE(identifier);
    CHECK(NormalizeProvider(identifier) == row.name);
    CHECK(NormalizeProvider(identifier + ".chat") == row.name);
    CHECK(NormalizeProvider(identifier + "-eu") == row.name);
    CHECK(NormalizeProvider(identifier + ".") == row.name);
    CHECK(NormalizeProvider(Upper(identifier)) == row.name);
    CHECK(NormalizeProvider(Upper(identifier) + ".Responses") == row.name);
  }
}

TEST_CASE("A prefix that goes on with anything but a dot or hyphen is another provider") {
  for (const Row& row : kRows) {
    // google.vertexx is still something of google's, azure-openaix of azure's.
    const bool has_shorter = row.identifier.rfind("google.", 0) == 0 || row.identifier.rfind("google-", 0) == 0 ||
                             row.identifier.rfind("azure-", 0) == 0;
    if (has_shorter) continue;
    for (const char* suffix : {"x", "_", " ", "/chat", "2"}) {
      const std::string identifier = std::string(row.identifier) + suffix;
      CAPTURE(identifier);
      CHECK(NormalizeProvider(identifier) == identifier);
    }
  }
  CHECK(NormalizeProvider("googlexyz") == "googlexyz");
  CHECK(NormalizeProvider("google.vertexx") == "gcp.gemini");
  CHECK(NormalizeProvider("azure-openaix") == "azure.ai.inference");
}

TEST_CASE("A longer prefix wins over a shorter one") {
  CHECK(NormalizeProvider("google.vertex.chat") == "gcp.vertex_ai");
  CHECK(NormalizeProvider("google-vertex-anthropic") == "gcp.vertex_ai");
  CHECK(NormalizeProvider("azure-openai.responses") == "azure.ai.openai");
  CHECK(NormalizeProvider("azure.chat") == "azure.ai.inference");
}

TEST_CASE("A hyphen ends a prefix: openai-compatible counts as openai") {
  CHECK(NormalizeProvider("openai-compatible") == "openai");
}

TEST_CASE("The kind of the model is not part of the name of a provider") {
  for (const char* kind :
       {"chat", "completion", "decision", "embedding", "extraction", "image", "interactions", "messages", "reranking",
        "responses", "speech", "speech-translation", "transcription", "video"}) {
    CAPTURE(kind);
    CHECK(NormalizeProvider(std::string("my-llm.") + kind) == "my-llm");
    CHECK(NormalizeProvider(std::string("my.llm.") + kind) == "my.llm");
  }
  CHECK(NormalizeProvider("my-llm.chat.chat") == "my-llm.chat");
  CHECK(NormalizeProvider("\xC3\xA9.chat") == "\xC3\xA9");
  CHECK(NormalizeProvider("vertex.anthropic.messages") == "gcp.vertex_ai");
}

TEST_CASE("Anything else passes through as it is written") {
  for (const char* identifier : {"", "g", "goog", "my-llm.eu", "MyGateway", "vertex", "mistral_ai", "x_ai",
                                 "aws.bedrock", ".openai", " openai", ".chat", "chat", "my-llm.Chat", "my-llm.chat."}) {
    CAPTURE(identifier);
    CHECK(NormalizeProvider(identifier) == identifier);
  }
  const std::string custom = "custom-provider";
  CHECK(NormalizeProvider(custom).data() == custom.data());
}

}  // namespace
}  // namespace isotel::genai

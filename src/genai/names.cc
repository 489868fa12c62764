#include "genai/names.h"

#include <algorithm>
#include <array>

#include "base/characters.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace isotel::genai {
namespace {

struct Alias {
  std::string_view prefix;
  std::string_view name;
};

// A prefix matches if the identifier ends after it or continues with '.' or '-'. Longer prefixes come first.
constexpr std::array kAliases{
    Alias{"google.generative-ai", "gcp.gemini"},
    Alias{"google.vertex", "gcp.vertex_ai"},
    Alias{"google-vertex", "gcp.vertex_ai"},
    Alias{"vertex.anthropic", "gcp.vertex_ai"},
    Alias{"google", "gcp.gemini"},
    Alias{"amazon-bedrock", "aws.bedrock"},
    Alias{"bedrock", "aws.bedrock"},
    Alias{"azure-openai", "azure.ai.openai"},
    Alias{"azure", "azure.ai.inference"},
    Alias{"mistral", "mistral_ai"},
    Alias{"xai", "x_ai"},
    Alias{"anthropic", "anthropic"},
    Alias{"openai", "openai"},
    Alias{"cohere", "cohere"},
    Alias{"groq", "groq"},
    Alias{"deepseek", "deepseek"},
    Alias{"perplexity", "perplexity"},
};

// The kinds of models that provider packages append to the name of a provider, as in "my-llm.chat".
constexpr std::array<std::string_view, 14> kModelKinds{
    "chat",     "completion", "decision",  "embedding", "extraction",         "image",         "interactions",
    "messages", "reranking",  "responses", "speech",    "speech-translation", "transcription", "video"};

// Returns the identifier without the kind of the model. An identifier that is only a kind does not change.
std::string_view WithoutModelKind(std::string_view provider) {
  const size_t dot = provider.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return provider;
  const std::string_view last = provider.substr(dot + 1);
  const bool is_kind = std::find(kModelKinds.begin(), kModelKinds.end(), last) != kModelKinds.end();
  return is_kind ? provider.substr(0, dot) : provider;
}

bool StartsWithWord(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  const bool same = std::equal(prefix.begin(), prefix.end(), text.begin(),
                               [](char wanted, char given) { return wanted == Lower(given); });
  if (!same || text.size() == prefix.size()) return same;
  return text[prefix.size()] == '.' || text[prefix.size()] == '-';
}

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

std::string SpanName(Operation operation, std::string_view target) {
  const std::string_view prefix = Info(operation).span_prefix;
  if (prefix.empty()) return std::string(target.substr(0, CutAtCharacter(target, kMaxNameBytes)));
  std::string name(prefix);
  if (target.empty() || prefix.size() + 1 + target.size() > kMaxNameBytes) return name;
  name += ' ';
  name += target;
  return name;
}

std::string_view NormalizeProvider(std::string_view provider) {
  for (const Alias& alias : kAliases) {
    if (StartsWithWord(provider, alias.prefix)) return alias.name;
  }
  return WithoutModelKind(provider);
}

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

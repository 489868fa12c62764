#include "genai/providers.h"

#include <algorithm>
#include <array>

namespace isotel::genai {
namespace {

struct Alias {
  std::string_view prefix;
  std::string_view name;
};

// A prefix counts when the identifier ends there or goes on with '.' or '-'. Longer prefixes come first.
constexpr std::array kAliases{
    Alias{"google.generative-ai", "gcp.gemini"},
    Alias{"google.vertex", "gcp.vertex_ai"},
    Alias{"google-vertex", "gcp.vertex_ai"},
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

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool StartsWithWord(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  const bool same = std::equal(prefix.begin(), prefix.end(), text.begin(),
                               [](char wanted, char given) { return wanted == Lower(given); });
  if (!same || text.size() == prefix.size()) return same;
  return text[prefix.size()] == '.' || text[prefix.size()] == '-';
}

}  // namespace

std::string_view NormalizeProvider(std::string_view provider) {
  for (const Alias& alias : kAliases) {
    if (StartsWithWord(provider, alias.prefix)) return alias.name;
  }
  return provider;
}

}  // namespace isotel::genai

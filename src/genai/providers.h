// AI SDK provider identifiers -> gen_ai.provider.name.
#pragma once

#include <string_view>

namespace isotel::genai {

/// The well-known value of gen_ai.provider.name for an identifier such as `openai.chat` or `google-vertex`;
/// the identifier itself where there is none (the conventions allow custom values). The result points into
/// static storage or into `provider`. Letter case does not matter.
[[nodiscard]] std::string_view NormalizeProvider(std::string_view provider);

}  // namespace isotel::genai

#include "genai/names.h"

#include <doctest/doctest.h>

#include <string>

#include "base/limits.h"

namespace isotel::genai {
namespace {

TEST_CASE("A span name is the operation and its target") {
  CHECK(SpanName(Operation::kInvokeAgent, "researcher") == "invoke_agent researcher");
  CHECK(SpanName(Operation::kChat, "gpt-5") == "chat gpt-5");
  CHECK(SpanName(Operation::kExecuteTool, "search") == "execute_tool search");
  CHECK(SpanName(Operation::kToolApproval, "search") == "tool_approval search");
  CHECK(SpanName(Operation::kEmbeddings, "e5") == "embeddings e5");
  CHECK(SpanName(Operation::kRerank, "bge") == "rerank bge");
  CHECK(SpanName(Operation::kGenerateContent, "flux") == "generate_content flux");
}

TEST_CASE("Without a target the name is the bare operation") {
  CHECK(SpanName(Operation::kInvokeAgent, "") == "invoke_agent");
  CHECK(SpanName(Operation::kChat, "") == "chat");
}

TEST_CASE("A name of 64 bytes is whole and one of 65 is the bare operation") {
  const std::string fits(kMaxNameBytes - 5, 'm');
  CHECK(SpanName(Operation::kChat, fits) == "chat " + fits);
  CHECK(SpanName(Operation::kChat, fits).size() == 64);
  CHECK(SpanName(Operation::kChat, fits + "m") == "chat");
}

TEST_CASE("The 64 bytes of a name are UTF-8 bytes, not characters") {
  std::string target;
  for (int i = 0; i < 29; ++i) target += "\xC3\xA9";
  CHECK(SpanName(Operation::kChat, target).size() == 63);
  CHECK(SpanName(Operation::kChat, target + "a").size() == 64);
  CHECK(SpanName(Operation::kChat, target + "\xC3\xA9") == "chat");
}

TEST_CASE("A target of a megabyte costs the target only") {
  CHECK(SpanName(Operation::kExecuteTool, std::string(1 << 20, 'x')) == "execute_tool");
}

TEST_CASE("A custom span has no operation in its name and its target is cut at a character") {
  CHECK(SpanName(Operation::kCustom, "load_profile") == "load_profile");
  CHECK(SpanName(Operation::kCustom, std::string(63, 'a') + "\xC3\xA9") == std::string(63, 'a'));
  CHECK(SpanName(Operation::kCustom, "").empty());
}

}  // namespace
}  // namespace isotel::genai

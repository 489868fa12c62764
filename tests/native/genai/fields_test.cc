#include "genai/fields.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "genai/names.h"

namespace isotel::genai {
namespace {

constexpr Profile kBoth[]{Profile::kAgents, Profile::kLatest};

constexpr OperationSet O = SetOf(Operation::kInvokeAgent);
constexpr OperationSet C = SetOf(Operation::kChat);
constexpr OperationSet T = SetOf(Operation::kExecuteTool);
constexpr OperationSet A = SetOf(Operation::kToolApproval);
// Calls of models that do not chat. They are ours: the contract has no such spans.
constexpr OperationSet kModelCalls =
    SetOf(Operation::kEmbeddings) | SetOf(Operation::kRerank) | SetOf(Operation::kGenerateContent);
constexpr OperationSet kAny = O | C | T | A | kModelCalls | SetOf(Operation::kCustom);

struct Row {
  std::string_view key;
  std::set<FieldType> types;
  OperationSet spans;
  Phase phase;
};

const std::set<FieldType> kString{FieldType::kText};
const std::set<FieldType> kDocument{FieldType::kJson};
const std::set<FieldType> kNumeric{FieldType::kNumber, FieldType::kCount};
const std::set<FieldType> kBoolean{FieldType::kFlag};

// The attributes of the `agents` package, which dashboards are written for. Those that metadata
// becomes are no fields: they have a test of their own.
const std::vector<Row> kAgentsContract{
    {"gen_ai.operation.name", kString, O | C | T | A, Phase::kStart},
    {"gen_ai.agent.id", kString, O | C | T | A, Phase::kStart},
    {"gen_ai.agent.name", kString, O | C | T | A, Phase::kStart},
    {"gen_ai.agent.version", kString, O | C | T | A, Phase::kStart},
    {"gen_ai.conversation.id", kString, O | C | T | A, Phase::kStart},
    {"gen_ai.provider.name", kString, O | C, Phase::kStart},
    {"gen_ai.output.type", kString, O | C, Phase::kStart},
    {"gen_ai.request.model", kString, O | C, Phase::kStart},
    {"gen_ai.request.frequency_penalty", kNumeric, O | C, Phase::kStart},
    {"gen_ai.request.presence_penalty", kNumeric, O | C, Phase::kStart},
    {"gen_ai.request.max_tokens", kNumeric, O | C, Phase::kStart},
    {"gen_ai.request.seed", kNumeric, O | C, Phase::kStart},
    {"gen_ai.request.temperature", kNumeric, O | C, Phase::kStart},
    {"gen_ai.request.top_k", kNumeric, O | C, Phase::kStart},
    {"gen_ai.request.top_p", kNumeric, O | C, Phase::kStart},
    {"gen_ai.request.stream", kBoolean, O | C, Phase::kStart},
    {"gen_ai.response.id", kString, O | C, Phase::kFinish},
    {"gen_ai.response.model", kString, O | C, Phase::kFinish},
    {"gen_ai.response.time_to_first_chunk", kNumeric, O | C, Phase::kFinish},
    {"gen_ai.usage.input_tokens", kNumeric, O | C, Phase::kFinish},
    {"gen_ai.usage.output_tokens", kNumeric, O | C, Phase::kFinish},
    {"gen_ai.usage.cache_creation.input_tokens", kNumeric, O | C, Phase::kFinish},
    {"gen_ai.usage.cache_read.input_tokens", kNumeric, O | C, Phase::kFinish},
    {"gen_ai.usage.reasoning.output_tokens", kNumeric, O | C, Phase::kFinish},
    {"gen_ai.tool.name", kString, T | A, Phase::kStart},
    {"gen_ai.tool.type", kString, T | A, Phase::kStart},
    {"gen_ai.tool.call.id", kString, T | A, Phase::kStart},
    // The package has these on chat spans only; an option of ours adds them to invoke_agent.
    {"gen_ai.input.messages", kDocument, O | C, Phase::kStart},
    {"gen_ai.output.messages", kDocument, O | C, Phase::kFinish},
    {"gen_ai.tool.call.arguments", kDocument, T, Phase::kStart},
    {"gen_ai.tool.call.result", kDocument, T, Phase::kFinish},
    {"error.type", kString, kAny, Phase::kFinish},
    {"cloudflare.ai_gateway.log.id", kString, C, Phase::kFinish},
    {"cloudflare.agents.integration.name", kString, O | C | T | A, Phase::kStart},
    {"cloudflare.agents.operation.name", kString, O | C | T | A, Phase::kStart},
    {"cloudflare.agents.response.finish_reason", kString, O | C, Phase::kFinish},
    {"cloudflare.agents.tool.count", kNumeric, O | C, Phase::kFinish},
    {"cloudflare.agents.usage.total_tokens", kNumeric, O | C, Phase::kFinish},
    {"cloudflare.agents.tool.approval.state", kString, A, Phase::kStart},
    {"cloudflare.agents.canceled", kBoolean, kAny, Phase::kFinish},
    {"cloudflare.agents.span.truncated", kBoolean, kAny, Phase::kFinish},
    {"otel.status_code", kString, kAny, Phase::kFinish},
};

// What is ours besides, in the same profile.
const std::vector<std::string_view> kAgentsAdditions{"gen_ai.request.choice.count",
                                                     "gen_ai.embeddings.dimension.count",
                                                     "gen_ai.retrieval.top_k",
                                                     "cloudflare.ai_gateway.cache_status",
                                                     "cloudflare.ai_gateway.step",
                                                     "otel.dropped_attributes_count",
                                                     "isotel.cut_attributes_count",
                                                     "exception.message",
                                                     "http.response.status_code",
                                                     "cloudflare.agents.abort.reason",
                                                     "cloudflare.agents.error.code",
                                                     "cloudflare.agents.step.number",
                                                     "cloudflare.agents.tool.runs_on_client",
                                                     "cloudflare.agents.usage.cost.amount",
                                                     "cloudflare.agents.usage.cost.currency",
                                                     "cloudflare.agents.usage.cost.source"};

// The registry of the conventions, by key.
const nlohmann::json& Registry() {
  static const auto kData =
      nlohmann::json::parse(std::ifstream(ISOTEL_SOURCE_DIR "/tests/conformance/data/gen-ai.json")).at("attributes");
  return kData;
}

std::map<std::string, Field> KeysOf(Profile profile) {
  std::map<std::string, Field> keys;
  for (size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    if (!KeyOf(profile, field).empty()) keys.emplace(KeyOf(profile, field), field);
  }
  return keys;
}

TEST_CASE("No two fields share a key within a profile") {
  for (const Profile profile : kBoth) {
    size_t named = 0;
    for (size_t i = 0; i < kFieldCount; ++i) {
      if (!KeyOf(profile, static_cast<Field>(i)).empty()) ++named;
    }
    CHECK(KeysOf(profile).size() == named);
  }
}

TEST_CASE("A field has a key in a profile exactly where some span carries it") {
  for (size_t i = 0; i < kFieldCount; ++i) {
    for (const Profile profile : kBoth) {
      const auto field = static_cast<Field>(i);
      CAPTURE(i);
      CHECK(KeyOf(profile, field).empty() == (Info(field).spans[static_cast<size_t>(profile)] == 0));
      CHECK(KeyOf(profile, field).find_first_of(" \n\"") == std::string_view::npos);
    }
  }
}

TEST_CASE("The agents profile has every attribute of its contract on its spans") {
  const auto keys = KeysOf(Profile::kAgents);
  for (const Row& row : kAgentsContract) {
    const std::string key(row.key);
    CAPTURE(key);
    const auto found = keys.find(key);
    REQUIRE(found != keys.end());
    const FieldInfo& info = Info(found->second);
    CHECK(row.types.count(info.type) == 1);
    CHECK(info.phase == row.phase);
    const OperationSet ours = row.spans == kAny ? 0 : kModelCalls;
    CHECK((info.spans[static_cast<size_t>(Profile::kAgents)] & kAny & ~ours) == row.spans);
  }
}

TEST_CASE("The agents profile has no attribute outside its contract but those we add") {
  auto keys = KeysOf(Profile::kAgents);
  for (const Row& row : kAgentsContract) keys.erase(std::string(row.key));
  for (const std::string_view key : kAgentsAdditions) CHECK(keys.erase(std::string(key)) == 1);
  for (const auto& [key, field] : keys) FAIL_CHECK("not in the contract: " << key);
}

TEST_CASE("Metadata becomes the attributes of the contract that are no fields") {
  CHECK(MetadataKey(MetadataSource::kMetadata, "userId") == "user.id");
  CHECK(MetadataKey(MetadataSource::kMetadata, "k") == "cloudflare.agents.metadata.k");
  CHECK(MetadataKey(MetadataSource::kRuntimeContext, "k") == "cloudflare.agents.runtime_context.k");
  for (const Profile profile : kBoth) {
    for (const auto& entry : KeysOf(profile)) {
      CAPTURE(entry.first);
      CHECK(entry.first != "user.id");
      CHECK(entry.first.rfind("cloudflare.agents.turn.", 0) != 0);
      CHECK(entry.first.rfind("cloudflare.agents.metadata.", 0) != 0);
    }
  }
}

TEST_CASE("The latest profile uses registered GenAI names only and nothing that the conventions deprecated") {
  const auto keys = KeysOf(Profile::kLatest);
  for (const auto& entry : keys) {
    CAPTURE(entry.first);
    if (entry.first.starts_with("gen_ai.")) CHECK(Registry().contains(entry.first));
    if (Registry().contains(entry.first)) CHECK_FALSE(Registry().at(entry.first).contains("deprecated"));
  }
  CHECK(Registry().at("gen_ai.usage.cache_creation.input_tokens").contains("deprecated"));
  CHECK(KeysOf(Profile::kAgents).count("gen_ai.usage.cache_creation.input_tokens") == 1);
}

TEST_CASE("The latest profile leaves out what its agent spans no longer have") {
  for (const Field field :
       {Field::kProviderName, Field::kAgentId, Field::kAgentVersion, Field::kTopK, Field::kCacheReadInputTokens,
        Field::kCacheCreationInputTokens, Field::kReasoningOutputTokens, Field::kResponseId, Field::kResponseModel}) {
    CAPTURE(static_cast<int>(field));
    CHECK_FALSE(Carries(Profile::kLatest, Operation::kInvokeAgent, field));
  }
  CHECK(Carries(Profile::kLatest, Operation::kChat, Field::kProviderName));
  CHECK(Carries(Profile::kLatest, Operation::kEmbeddings, Field::kProviderName));
  CHECK_FALSE(Carries(Profile::kLatest, Operation::kToolApproval, Field::kOperationName));
}

TEST_CASE("Every span can carry how it ended and a custom span nothing else") {
  const std::set<Field> ending{Field::kErrorType,
                               Field::kStatusCode,
                               Field::kCancelled,
                               Field::kTruncated,
                               Field::kDroppedAttributesCount,
                               Field::kCutAttributesCount};
  for (const Profile profile : kBoth) {
    for (size_t i = 0; i < kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      CAPTURE(i);
      CHECK(Carries(profile, Operation::kCustom, field) == (ending.count(field) == 1));
    }
    for (uint32_t code = 0; code < kOperationCount; ++code) {
      for (const Field field : ending) CHECK(Carries(profile, static_cast<Operation>(code), field));
    }
  }
}

TEST_CASE("A call of a model that does not chat tells who asked whom for what and what it used") {
  for (const Operation operation : {Operation::kEmbeddings, Operation::kRerank, Operation::kGenerateContent}) {
    for (const Profile profile : kBoth) {
      for (const Field field : {Field::kOperationName, Field::kAgentName, Field::kConversationId, Field::kProviderName,
                                Field::kRequestModel, Field::kResponseModel, Field::kGatewayLogId, Field::kInputTokens,
                                Field::kTotalTokens}) {
        CAPTURE(static_cast<int>(field));
        CHECK(Carries(profile, operation, field));
      }
      for (const Field field :
           {Field::kInputMessages, Field::kOutputMessages, Field::kToolName, Field::kToolCount, Field::kFinishReason}) {
        CAPTURE(static_cast<int>(field));
        CHECK_FALSE(Carries(profile, operation, field));
      }
      const bool generates = operation == Operation::kGenerateContent;
      CHECK(Carries(profile, operation, Field::kOutputType) == generates);
      CHECK(Carries(profile, operation, Field::kStream) == generates);
      CHECK(Carries(profile, operation, Field::kTimeToFirstChunk) == generates);
    }
  }
}

TEST_CASE("Codes of operations and profiles count up from zero") {
  uint32_t next = 0;
#define ISOTEL_OPERATION(name, code, prefix, agents_operation, latest_operation, kind) \
  CHECK(static_cast<uint32_t>(Operation::name) == next);                               \
  CHECK(Info(Operation::name).span_prefix == prefix);                                  \
  ++next;
#include "genai/operations.def"
#undef ISOTEL_OPERATION
  CHECK(next == kOperationCount);
  next = 0;
#define ISOTEL_PROFILE(name, code, wire_name)          \
  CHECK(static_cast<uint32_t>(Profile::name) == next); \
  ++next;
#include "genai/profiles.def"
#undef ISOTEL_PROFILE
  CHECK(next == kProfileCount);
}

TEST_CASE("Model calls are client spans and the rest is internal") {
  CHECK(Info(Operation::kChat).kind == trace::SpanKind::kClient);
  CHECK(Info(Operation::kEmbeddings).kind == trace::SpanKind::kClient);
  CHECK(Info(Operation::kRerank).kind == trace::SpanKind::kClient);
  CHECK(Info(Operation::kGenerateContent).kind == trace::SpanKind::kClient);
  for (const Operation operation :
       {Operation::kCustom, Operation::kInvokeAgent, Operation::kExecuteTool, Operation::kToolApproval}) {
    CHECK(Info(operation).kind == trace::SpanKind::kInternal);
  }
}

TEST_CASE(
    "A tool approval is an execute_tool in the agents profile and has no operation name in "
    "latest") {
  const OperationInfo& info = Info(Operation::kToolApproval);
  CHECK(info.name[static_cast<size_t>(Profile::kAgents)] == "execute_tool");
  CHECK(info.name[static_cast<size_t>(Profile::kLatest)].empty());
  CHECK(info.span_prefix == "tool_approval");
}

}  // namespace
}  // namespace isotel::genai

#include "genai/recorder.h"

#include <cmath>
#include <limits>

#include "base/limits.h"
#include "host_double.h"

namespace isotel::genai {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr uint32_t kUserBytes = kNativeSpanBytes - kReservedFinishBytes;

using KeyList = std::vector<std::string>;

struct AgentsHost : HostDouble {};
struct LatestHost : HostDouble {
  LatestHost() : HostDouble(Profile::kLatest) {}
};

// ---- plans ----

TEST_CASE_FIXTURE(AgentsHost, "A call with two model steps and a tool is planned as the agents contract says") {
  const Handle operation = Open(Operation::kInvokeAgent);
  Interned(Field::kIntegrationName, "ai-sdk");
  Interned(Field::kSdkOperationName, "generateText");
  Text(Field::kAgentName, 10);
  Interned(Field::kProviderName, "openai");
  Interned(Field::kRequestModel, "gpt-5");
  Interned(Field::kOutputType, "text");
  fields.SetNumber(Field::kTemperature, 0.2);
  REQUIRE(Start(operation) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.operation.name", "cloudflare.agents.integration.name",
                          "cloudflare.agents.operation.name", "gen_ai.agent.name", "gen_ai.provider.name",
                          "gen_ai.request.model", "gen_ai.output.type", "gen_ai.request.temperature"});
  CHECK(TextOf(Field::kOperationName) == "invoke_agent");
  CHECK(TextOf(Field::kSdkOperationName) == "generateText");
  CHECK(SourceOf(Field::kAgentName) == Source::kText);
  CHECK(Number(Field::kTemperature) == 0.2);

  const auto chat = [&](double input, double output, const char* reason) {
    const Handle handle = Open(Operation::kChat, operation);
    Interned(Field::kRequestModel, "gpt-5");
    REQUIRE(Start(handle) == Error::kOk);
    CHECK(TextOf(Field::kOperationName) == "chat");
    Text(Field::kResponseId, 30);
    Interned(Field::kResponseModel, "gpt-5-2026");
    Interned(Field::kFinishReason, reason);
    fields.SetNumber(Field::kInputTokens, input);
    fields.SetNumber(Field::kOutputTokens, output);
    REQUIRE(End(handle) == Error::kOk);
    CHECK(Keys() == KeyList{"gen_ai.response.id", "gen_ai.response.model", "cloudflare.agents.response.finish_reason",
                            "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
                            "cloudflare.agents.usage.total_tokens"});
    CHECK(Number(Field::kTotalTokens) == input + output);
    return handle;
  };
  (void)chat(100, 20, "tool-calls");

  const Handle tool = Open(Operation::kExecuteTool, operation);
  Interned(Field::kToolName, "search");
  Text(Field::kToolCallId, 8);
  REQUIRE(Start(tool) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.tool.type", "gen_ai.tool.call.id"});
  CHECK(TextOf(Field::kOperationName) == "execute_tool");
  CHECK(TextOf(Field::kToolType) == "function");
  REQUIRE(End(tool) == Error::kOk);
  CHECK(written.empty());

  (void)chat(150, 30, "stop");
  fields.SetNumber(Field::kToolCount, 1);
  REQUIRE(End(operation) == Error::kOk);
  CHECK(Keys() == KeyList{"cloudflare.agents.response.finish_reason", "cloudflare.agents.tool.count",
                          "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
                          "cloudflare.agents.usage.total_tokens"});
  CHECK(Number(Field::kInputTokens) == 250);
  CHECK(Number(Field::kOutputTokens) == 50);
  CHECK(Number(Field::kTotalTokens) == 300);
  CHECK(Number(Field::kToolCount) == 1);
  CHECK(TextOf(Field::kFinishReason) == "stop");
  CHECK(status == trace::StatusCode::kUnset);
  CHECK(recorder.spans().open_spans() == 0);
  CHECK(Count(Counter::kSpansOpened) == 4);
  CHECK(Count(Counter::kSpansEnded) == 4);
}

TEST_CASE_FIXTURE(LatestHost, "The latest profile plans its own names and a list of finish reasons") {
  const Handle chat = Open(Operation::kChat);
  Interned(Field::kProviderName, "openai");
  Text(Field::kAgentId, 5);
  Text(Field::kSystemInstructions, 40);
  REQUIRE(Start(chat) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.system_instructions"});
  Interned(Field::kFinishReason, "stop");
  fields.SetNumber(Field::kCacheCreationInputTokens, 3);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.response.finish_reasons", "gen_ai.usage.cache_write.input_tokens"});
  CHECK(SourceOf(Field::kFinishReasons) == Source::kInternedList);
  CHECK(TextOf(Field::kFinishReasons) == "stop");
}

TEST_CASE_FIXTURE(LatestHost, "A finish reason that is not interned is listed from the host's text") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kFinishReason, 4);
  REQUIRE(End(chat) == Error::kOk);
  REQUIRE(Has(Field::kFinishReasons));
  CHECK(SourceOf(Field::kFinishReasons) == Source::kTextList);
  CHECK(Find(Field::kFinishReasons)->argument == static_cast<uint32_t>(Field::kFinishReason));
}

TEST_CASE_FIXTURE(LatestHost, "A list of texts is the host's, and is dropped rather than cut") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kStopSequences, 12);
  REQUIRE(Start(chat) == Error::kOk);
  REQUIRE(Has(Field::kStopSequences));
  CHECK(SourceOf(Field::kStopSequences) == Source::kJsonList);
  const Handle other = Open(Operation::kChat);
  Text(Field::kStopSequences, kMaxAttributeValueBytes + 1);
  REQUIRE(Start(other, true) == Error::kOk);
  CHECK_FALSE(Has(Field::kStopSequences));
}

TEST_CASE_FIXTURE(AgentsHost, "Spans of both profiles live side by side") {
  const auto open = [&](Profile profile) {
    return recorder.OpenSpan({.operation = 4, .profile = static_cast<uint32_t>(profile)}).value();
  };
  const Handle agents = open(Profile::kAgents);
  const Handle latest = open(Profile::kLatest);
  REQUIRE(Start(latest) == Error::kOk);
  CHECK_FALSE(Has(Field::kOperationName));
  REQUIRE(Start(agents) == Error::kOk);
  CHECK(TextOf(Field::kOperationName) == "execute_tool");
}

TEST_CASE_FIXTURE(AgentsHost, "A tool approval carries execute_tool and its state") {
  const Handle approval = Open(Operation::kToolApproval);
  Interned(Field::kToolApprovalState, "requested");
  Text(Field::kToolCallArguments, 100);
  REQUIRE(Start(approval) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.operation.name", "gen_ai.tool.type", "cloudflare.agents.tool.approval.state"});
  CHECK(TextOf(Field::kOperationName) == "execute_tool");
}

TEST_CASE_FIXTURE(AgentsHost, "A custom span has no attributes of ours") {
  const Handle custom = Open(Operation::kCustom);
  for (size_t i = 0; i < kFieldCount; ++i) {
    if (Info(static_cast<Field>(i)).phase == Phase::kStart) Text(static_cast<Field>(i), 4);
  }
  REQUIRE(Start(custom) == Error::kOk);
  CHECK(written.empty());
  fields = {};
  REQUIRE(End(custom) == Error::kOk);
  CHECK(written.empty());
}

TEST_CASE_FIXTURE(AgentsHost, "Bits of fields that do not exist are ignored") {
  const Handle chat = Open(Operation::kChat);
  for (uint32_t& word : fields.present) word = UINT32_MAX;
  REQUIRE(Start(chat, true) == Error::kOk);
  for (const Written& attribute : written) CHECK(Info(attribute.field).phase == Phase::kStart);
}

TEST_CASE_FIXTURE(AgentsHost, "Fields of the other phase are left out") {
  const Handle chat = Open(Operation::kChat);
  fields.SetNumber(Field::kInputTokens, 5);
  REQUIRE(Start(chat) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.operation.name"});
  fields.SetNumber(Field::kTemperature, 1);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(written.empty());
}

TEST_CASE_FIXTURE(AgentsHost, "A flag is written only when it is true") {
  const Handle chat = Open(Operation::kChat);
  fields.SetNumber(Field::kStream, 0);
  REQUIRE(Start(chat) == Error::kOk);
  CHECK_FALSE(Has(Field::kStream));
  fields.SetNumber(Field::kStream, 1);
  REQUIRE(Start(chat) == Error::kOk);
  CHECK(SourceOf(Field::kStream) == Source::kTrue);
}

TEST_CASE_FIXTURE(AgentsHost, "Numbers that are not finite and counts below zero are dropped and counted") {
  const Handle chat = Open(Operation::kChat);
  fields.SetNumber(Field::kTemperature, kNan);
  fields.SetNumber(Field::kTopP, kInfinity);
  fields.SetNumber(Field::kFrequencyPenalty, -2);
  REQUIRE(Start(chat) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.operation.name", "gen_ai.request.frequency_penalty"});
  CHECK(Count(Counter::kAttributesDroppedType) == 2);
  fields.SetNumber(Field::kInputTokens, -1);
  fields.SetNumber(Field::kOutputTokens, -kInfinity);
  fields.SetNumber(Field::kReasoningOutputTokens, 0);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.usage.reasoning.output_tokens", "otel.dropped_attributes_count"});
  CHECK(Number(Field::kDroppedAttributesCount) == 4);
  CHECK(Count(Counter::kAttributesDroppedType) == 4);
}

TEST_CASE_FIXTURE(AgentsHost, "An interned text that is unknown is dropped and counted") {
  const Handle chat = Open(Operation::kChat);
  fields.SetInterned(Field::kRequestModel, 0);
  fields.SetInterned(Field::kProviderName, UINT32_MAX);
  REQUIRE(Start(chat) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.operation.name"});
  CHECK(Count(Counter::kAttributesDroppedType) == 2);
}

TEST_CASE_FIXTURE(AgentsHost, "A tool type of the host's is kept") {
  const Handle tool = Open(Operation::kExecuteTool);
  Interned(Field::kToolType, "datastore");
  REQUIRE(Start(tool) == Error::kOk);
  CHECK(TextOf(Field::kToolType) == "datastore");
}

// ---- responses and first chunks ----

TEST_CASE_FIXTURE(AgentsHost, "The response is on the operation only when it has no chat span") {
  const auto end_operation = [&](bool with_chat) {
    const Handle operation = Open(Operation::kInvokeAgent);
    if (with_chat) (void)Open(Operation::kChat, operation);
    REQUIRE(recorder.FirstChunk(operation, 1'500) == Error::kOk);
    fields = {};
    Text(Field::kResponseId, 5);
    Text(Field::kResponseModel, 5);
    fields.SetNumber(Field::kTimeToFirstChunk, 3);
    REQUIRE(End(operation) == Error::kOk);
  };
  end_operation(false);
  CHECK(Number(Field::kTimeToFirstChunk) == 0.5);
  CHECK(Keys() == KeyList{"gen_ai.response.id", "gen_ai.response.model", "gen_ai.response.time_to_first_chunk"});
  end_operation(true);
  CHECK(written.empty());
}

TEST_CASE_FIXTURE(AgentsHost, "A tool below the operation leaves the response there") {
  const Handle operation = Open(Operation::kInvokeAgent);
  (void)Open(Operation::kExecuteTool, operation);
  Text(Field::kResponseId, 5);
  REQUIRE(End(operation) == Error::kOk);
  CHECK(Has(Field::kResponseId));
}

TEST_CASE_FIXTURE(AgentsHost, "Only the first note of a first chunk counts, in seconds") {
  const Handle chat = Open(Operation::kChat);
  CHECK(recorder.FirstChunk(chat, 1'250) == Error::kOk);
  CHECK(recorder.FirstChunk(chat, 1'100) == Error::kOk);
  CHECK(recorder.FirstChunk(chat, 9'000) == Error::kOk);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(Number(Field::kTimeToFirstChunk) == 0.25);
}

TEST_CASE_FIXTURE(AgentsHost, "A first chunk before the start took no time") {
  const Handle chat = Open(Operation::kChat);
  CHECK(recorder.FirstChunk(chat, 900) == Error::kOk);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(Number(Field::kTimeToFirstChunk) == 0);
}

TEST_CASE_FIXTURE(AgentsHost, "A first chunk at no time is none") {
  const Handle chat = Open(Operation::kChat);
  for (const double time : {kNan, kInfinity, -kInfinity}) CHECK(recorder.FirstChunk(chat, time) == Error::kOk);
  CHECK(recorder.FirstChunk(chat, 1'500) == Error::kOk);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.response.time_to_first_chunk"});
  CHECK(Number(Field::kTimeToFirstChunk) == 0.5);
  const Handle other = Open(Operation::kChat);
  REQUIRE(End(other) == Error::kOk);
  CHECK(written.empty());
}

TEST_CASE_FIXTURE(AgentsHost, "A span does not inherit the first chunk and calls of the one before it") {
  const Handle first = Open(Operation::kInvokeAgent);
  const Handle chat = Open(Operation::kChat, first);
  fields.SetNumber(Field::kInputTokens, 5);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(recorder.FirstChunk(first, 1'500) == Error::kOk);
  REQUIRE(End(first) == Error::kOk);
  const Handle second = Open(Operation::kInvokeAgent);
  REQUIRE(IndexOf(second) == IndexOf(first));
  Text(Field::kResponseId, 3);
  REQUIRE(End(second) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.response.id"});
}

TEST_CASE_FIXTURE(AgentsHost, "A tool count is written only above zero") {
  for (const double count : {0.0, -1.0, kNan}) {
    const Handle chat = Open(Operation::kChat);
    fields.SetNumber(Field::kToolCount, count);
    REQUIRE(End(chat) == Error::kOk);
    CHECK(written.empty());
  }
  const Handle chat = Open(Operation::kChat);
  fields.SetNumber(Field::kToolCount, 2);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(Number(Field::kToolCount) == 2);
}

// ---- roll-up ----

TEST_CASE_FIXTURE(AgentsHost, "Totals of the host win over the sum of the calls") {
  const Handle operation = Open(Operation::kInvokeAgent);
  const Handle chat = Open(Operation::kChat, operation);
  fields.SetNumber(Field::kInputTokens, 10);
  fields.SetNumber(Field::kOutputTokens, 5);
  REQUIRE(End(chat) == Error::kOk);
  fields.SetNumber(Field::kInputTokens, 100);
  fields.SetNumber(Field::kOutputTokens, 50);
  REQUIRE(End(operation) == Error::kOk);
  CHECK(Number(Field::kInputTokens) == 100);
  CHECK(Number(Field::kTotalTokens) == 150);
}

TEST_CASE_FIXTURE(AgentsHost, "Calls roll up to their own parent only") {
  const Handle a = Open(Operation::kInvokeAgent);
  const Handle b = Open(Operation::kInvokeAgent, a);
  const Handle chat = Open(Operation::kChat, b);
  fields.SetNumber(Field::kInputTokens, 7);
  REQUIRE(End(chat) == Error::kOk);
  REQUIRE(End(b) == Error::kOk);
  CHECK(Number(Field::kInputTokens) == 7);
  REQUIRE(End(a) == Error::kOk);
  CHECK(written.empty());
}

TEST_CASE_FIXTURE(AgentsHost, "An operation that was cut short does not take the finish reason of its last call") {
  for (const trace::Outcome outcome :
       {trace::Outcome::kFailed, trace::Outcome::kCancelled, trace::Outcome::kTruncated}) {
    const Handle operation = Open(Operation::kInvokeAgent);
    const Handle chat = Open(Operation::kChat, operation);
    Interned(Field::kFinishReason, "stop");
    REQUIRE(End(chat) == Error::kOk);
    REQUIRE(End(operation, {.outcome = outcome}) == Error::kOk);
    CHECK_FALSE(Has(Field::kFinishReason));
  }
}

TEST_CASE_FIXTURE(AgentsHost, "Tools do not roll up") {
  const Handle operation = Open(Operation::kInvokeAgent);
  (void)Open(Operation::kChat, operation);
  const Handle tool = Open(Operation::kExecuteTool, operation);
  fields.SetNumber(Field::kInputTokens, 7);
  REQUIRE(End(tool) == Error::kOk);
  REQUIRE(End(operation) == Error::kOk);
  CHECK(written.empty());
}

TEST_CASE_FIXTURE(AgentsHost, "Failed and cancelled calls roll up what they used") {
  const Handle operation = Open(Operation::kInvokeAgent);
  for (const trace::Outcome outcome : {trace::Outcome::kFailed, trace::Outcome::kCancelled}) {
    const Handle chat = Open(Operation::kChat, operation);
    fields.SetNumber(Field::kOutputTokens, 3);
    REQUIRE(End(chat, {.outcome = outcome}) == Error::kOk);
  }
  REQUIRE(End(operation) == Error::kOk);
  CHECK(Number(Field::kOutputTokens) == 6);
}

TEST_CASE_FIXTURE(AgentsHost, "A call that outlives its operation ends without a trace there") {
  const Handle operation = Open(Operation::kInvokeAgent);
  const Handle chat = Open(Operation::kChat, operation);
  REQUIRE(End(operation) == Error::kOk);
  const Handle next = Open(Operation::kInvokeAgent);
  REQUIRE(IndexOf(next) == IndexOf(operation));
  (void)Open(Operation::kChat, next);
  fields.SetNumber(Field::kInputTokens, 7);
  REQUIRE(End(chat) == Error::kOk);
  REQUIRE(End(next) == Error::kOk);
  CHECK(written.empty());
}

// ---- outcomes and status ----

TEST_CASE_FIXTURE(AgentsHost, "A failed span carries its error type and no mark of cancellation") {
  const Handle tool = Open(Operation::kExecuteTool);
  Text(Field::kErrorType, 9);
  REQUIRE(End(tool, {.outcome = trace::Outcome::kFailed}) == Error::kOk);
  CHECK(Keys() == KeyList{"error.type"});
  CHECK(status == trace::StatusCode::kError);
}

TEST_CASE_FIXTURE(AgentsHost, "A cancelled span is marked, is no error and has no error type") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kErrorType, 9);
  fields.SetNumber(Field::kInputTokens, 4);
  REQUIRE(End(chat, {.outcome = trace::Outcome::kCancelled, .status_as_attribute = true}) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.usage.input_tokens", "cloudflare.agents.canceled"});
  CHECK(SourceOf(Field::kCancelled) == Source::kTrue);
  CHECK(status == trace::StatusCode::kUnset);
}

TEST_CASE_FIXTURE(AgentsHost, "A truncated span is marked and counted") {
  const Handle custom = Open(Operation::kCustom);
  REQUIRE(End(custom, {.outcome = trace::Outcome::kTruncated}) == Error::kOk);
  CHECK(Keys() == KeyList{"cloudflare.agents.span.truncated"});
  CHECK(status == trace::StatusCode::kUnset);
  CHECK(Count(Counter::kSpansTruncated) == 1);
}

TEST_CASE_FIXTURE(AgentsHost, "Where spans have no status it is said as an attribute") {
  const Ending failed{.outcome = trace::Outcome::kFailed, .status_as_attribute = true};
  REQUIRE(End(Open(Operation::kCustom), failed) == Error::kOk);
  CHECK(Keys() == KeyList{"otel.status_code"});
  CHECK(TextOf(Field::kStatusCode) == "ERROR");

  const Handle marked = Open(Operation::kCustom);
  CHECK(recorder.SetStatus(marked, trace::StatusCode::kError) == Error::kOk);
  REQUIRE(End(marked, {.status_as_attribute = true}) == Error::kOk);
  CHECK(TextOf(Field::kStatusCode) == "ERROR");

  const Handle fine = Open(Operation::kCustom);
  CHECK(recorder.SetStatus(fine, trace::StatusCode::kOk) == Error::kOk);
  REQUIRE(End(fine, failed) == Error::kOk);
  CHECK(TextOf(Field::kStatusCode) == "OK");
  CHECK(status == trace::StatusCode::kOk);
}

TEST_CASE_FIXTURE(AgentsHost, "An unset status and a host that has statuses need no attribute") {
  REQUIRE(End(Open(Operation::kCustom), {.status_as_attribute = true}) == Error::kOk);
  CHECK(written.empty());
  REQUIRE(End(Open(Operation::kCustom), {.outcome = trace::Outcome::kFailed}) == Error::kOk);
  CHECK(written.empty());
}

TEST_CASE_FIXTURE(AgentsHost, "Ok is final and Unset changes nothing on an open span") {
  const Handle custom = Open(Operation::kCustom);
  CHECK(recorder.SetStatus(custom, trace::StatusCode::kError) == Error::kOk);
  CHECK(recorder.SetStatus(custom, trace::StatusCode::kUnset) == Error::kOk);
  CHECK(recorder.spans().Find(custom)->status == trace::StatusCode::kError);
  CHECK(recorder.SetStatus(custom, trace::StatusCode::kOk) == Error::kOk);
  CHECK(recorder.SetStatus(custom, trace::StatusCode::kError) == Error::kOk);
  REQUIRE(End(custom) == Error::kOk);
  CHECK(status == trace::StatusCode::kOk);
}

TEST_CASE_FIXTURE(AgentsHost, "What only the core may say is not taken from the host") {
  const Handle chat = Open(Operation::kChat);
  for (const Field field :
       {Field::kCancelled, Field::kTruncated, Field::kDroppedAttributesCount, Field::kCutAttributesCount}) {
    fields.SetNumber(field, 1);
  }
  Text(Field::kStatusCode, 3);
  fields.Add(Field::kFinishReasons);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(written.empty());
}

TEST_CASE_FIXTURE(AgentsHost, "What a call left in the shared block does not show on the next span") {
  const Handle first = Open(Operation::kCustom);
  CHECK(recorder.ReserveAttributes(first, {.invalid = 1}).ok());
  REQUIRE(recorder.EndSpan(first, ToEnd({.outcome = trace::Outcome::kCancelled}), fields, plan).ok());
  const FieldSet left = fields;
  const Handle second = Open(Operation::kCustom);
  CHECK(recorder.ReserveAttributes(second, {.invalid = 2}).ok());
  fields = left;
  REQUIRE(End(second) == Error::kOk);
  CHECK(Keys() == KeyList{"otel.dropped_attributes_count"});
}

// ---- codes and handles ----

TEST_CASE_FIXTURE(AgentsHost, "Unknown operations and profiles are refused and counted") {
  CHECK(recorder.OpenSpan({.operation = kOperationCount}).error() == Error::kUnknownOperation);
  CHECK(recorder.OpenSpan({.operation = UINT32_MAX, .profile = UINT32_MAX}).error() == Error::kUnknownOperation);
  CHECK(recorder.OpenSpan({.profile = kProfileCount}).error() == Error::kUnknownProfile);
  CHECK(Count(Counter::kUnknownCodes) == 3);
  CHECK(Count(Counter::kSpansOpened) == 0);
}

TEST_CASE_FIXTURE(AgentsHost, "Every late call answers that the span has ended and is counted") {
  const Handle custom = Open(Operation::kCustom);
  REQUIRE(End(custom) == Error::kOk);
  std::vector<uint32_t> keep;
  CHECK(Start(custom) == Error::kAlreadyEnded);
  CHECK(recorder.ReserveAttributes(custom, {.count = 1}).error() == Error::kAlreadyEnded);
  CHECK(recorder.FitAttributes(custom, {}, 1, keep).error() == Error::kAlreadyEnded);
  CHECK(recorder.FirstChunk(custom, 5) == Error::kAlreadyEnded);
  CHECK(recorder.SetStatus(custom, trace::StatusCode::kOk) == Error::kAlreadyEnded);
  CHECK(Count(Counter::kLateWrites) == 5);
  CHECK(End(custom) == Error::kAlreadyEnded);
  CHECK(Count(Counter::kDoubleEnds) == 1);
  CHECK(Count(Counter::kAttributesDroppedType) == 0);
}

TEST_CASE_FIXTURE(AgentsHost, "Every call with a handle of nothing is stale and counted") {
  std::vector<uint32_t> keep;
  CHECK(Start(77) == Error::kStaleHandle);
  CHECK(recorder.ReserveAttributes(0, {.count = 1}).error() == Error::kStaleHandle);
  CHECK(recorder.FitAttributes(77, {}, 0, keep).error() == Error::kStaleHandle);
  CHECK(recorder.FirstChunk(UINT32_MAX, 5) == Error::kStaleHandle);
  CHECK(recorder.SetStatus(77, trace::StatusCode::kOk) == Error::kStaleHandle);
  CHECK(End(77) == Error::kStaleHandle);
  CHECK(Count(Counter::kStaleHandles) == 6);
}

TEST_CASE_FIXTURE(AgentsHost, "Past the limit the oldest span is given up and counted") {
  const Handle oldest = recorder.OpenSpan({}).value();
  for (uint32_t i = 1; i < kMaxOpenSpans; ++i) REQUIRE(recorder.OpenSpan({}).ok());
  CHECK(recorder.OpenSpan({}).ok());
  CHECK(Count(Counter::kSpansEvicted) == 1);
  CHECK(recorder.FirstChunk(oldest, 5) == Error::kAlreadyEnded);
}

TEST_CASE_FIXTURE(AgentsHost, "A full intern table is counted and the constants stay usable") {
  uint32_t refused = 0;
  for (uint32_t i = 0; i <= kMaxInternedTexts; ++i) refused += recorder.Intern(std::to_string(i)) == 0;
  CHECK(refused > 0);
  CHECK(Count(Counter::kInternOverflows) == refused);
  REQUIRE(Start(Open(Operation::kChat)) == Error::kOk);
  CHECK(TextOf(Field::kOperationName) == "chat");
}

TEST_CASE_FIXTURE(AgentsHost, "A chat that names itself as its parent does not roll up to itself") {
  const Handle guess = MakeHandle(0, 1);
  const Handle chat = Open(Operation::kChat, guess);
  REQUIRE(chat == guess);
  Text(Field::kResponseId, 4);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.response.id"});
}

// ---- bytes ----

TEST_CASE_FIXTURE(AgentsHost, "A start that may not fit asks for exact sizes and leaves the span unchanged") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kRequestModel, kMaxAttributeValueBytes / 3);
  REQUIRE(Start(chat) == Error::kOk);
  CHECK(SourceOf(Field::kRequestModel) == Source::kText);
  const uint32_t bytes = recorder.spans().Find(chat)->attribute_bytes;

  Text(Field::kRequestModel, kMaxAttributeValueBytes / 3 + 1);
  fields.SetNumber(Field::kTemperature, kNan);
  CHECK(Start(chat) == Error::kNeedExactSizes);
  CHECK(recorder.spans().Find(chat)->attribute_bytes == bytes);
  CHECK(recorder.spans().Find(chat)->dropped_attributes == 0);
  CHECK(Count(Counter::kAttributesDroppedType) == 0);

  fields.size[static_cast<size_t>(Field::kRequestModel)] = kMaxAttributeValueBytes;
  REQUIRE(Start(chat, true) == Error::kOk);
  CHECK(SourceOf(Field::kRequestModel) == Source::kText);
  CHECK(Count(Counter::kAttributesDroppedType) == 1);
}

TEST_CASE_FIXTURE(AgentsHost, "A text above the value limit is cut and a document is dropped") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kRequestModel, kMaxAttributeValueBytes + 1);
  Text(Field::kInputMessages, kMaxAttributeValueBytes + 1);
  REQUIRE(Start(chat, true) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.operation.name", "gen_ai.request.model"});
  CHECK(SourceOf(Field::kRequestModel) == Source::kCutText);
  CHECK(Find(Field::kRequestModel)->argument == kMaxAttributeValueBytes);
  CHECK(Count(Counter::kAttributesCut) == 1);
  CHECK(Count(Counter::kAttributesDroppedBytes) == 1);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(Keys() == KeyList{"otel.dropped_attributes_count", "isotel.cut_attributes_count"});
  CHECK(Number(Field::kDroppedAttributesCount) == 1);
  CHECK(Number(Field::kCutAttributesCount) == 1);
}

TEST_CASE_FIXTURE(AgentsHost, "Sizes near the end of 32 bits are cut or dropped like any other") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kAgentName, UINT32_MAX - 1);
  Text(Field::kRequestModel, UINT32_MAX / 3 + 1);
  Text(Field::kInputMessages, UINT32_MAX - 40);
  CHECK(Start(chat) == Error::kNeedExactSizes);
  REQUIRE(Start(chat, true) == Error::kOk);
  CHECK_FALSE(Has(Field::kInputMessages));
  CHECK(SourceOf(Field::kAgentName) == Source::kCutText);
  CHECK(SourceOf(Field::kRequestModel) == Source::kCutText);
  CHECK(recorder.spans().Find(chat)->attribute_bytes <= kUserBytes);
}

TEST_CASE_FIXTURE(AgentsHost, "A fresh custom span allows 128 attributes and all bytes but the reserve") {
  CHECK(kMaxUserAttributes == 128);
  const AttributeQuota quota = recorder.ReserveAttributes(Open(Operation::kCustom), {}).value();
  CHECK(quota.count == 128);
  CHECK(quota.bytes == kUserBytes);
}

TEST_CASE_FIXTURE(AgentsHost, "What was written is taken from the quota") {
  const Handle custom = Open(Operation::kCustom);
  AttributeQuota quota = recorder.ReserveAttributes(custom, {.count = 3, .bytes = 100}).value();
  CHECK(quota.count == 125);
  CHECK(quota.bytes == kUserBytes - 100);
  quota = recorder.ReserveAttributes(custom, {.count = 125, .bytes = kUserBytes - 101}).value();
  CHECK(quota.count == 0);
  CHECK(quota.bytes == 1);
  CHECK(recorder.spans().Find(custom)->dropped_attributes == 0);
}

TEST_CASE_FIXTURE(AgentsHost, "A host that writes more than it may is left no quota") {
  const Handle custom = Open(Operation::kCustom);
  const AttributeQuota quota = recorder.ReserveAttributes(custom, {.count = UINT32_MAX, .bytes = UINT32_MAX}).value();
  CHECK(quota.count == 0);
  CHECK(quota.bytes == 0);
  for (int i = 0; i < 70'000; ++i) {
    const AttributeQuota again = recorder.ReserveAttributes(custom, {.count = UINT32_MAX, .bytes = UINT32_MAX}).value();
    if (again.count != 0 || again.bytes != 0) FAIL("allowed again after " << i);
  }
}

TEST_CASE_FIXTURE(AgentsHost, "Start attributes are taken from the quota") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kRequestModel, 100);
  REQUIRE(Start(chat, true) == Error::kOk);
  const uint32_t operation_name = 21 + 4;
  CHECK(recorder.ReserveAttributes(chat, {}).value().bytes == kUserBytes - operation_name - (20 + 100));
}

TEST_CASE_FIXTURE(AgentsHost, "Start attributes leave the reserve of the finish attributes free") {
  const Handle chat = Open(Operation::kChat);
  for (const Field field : {Field::kAgentName, Field::kRequestModel, Field::kProviderName}) {
    Text(field, 100'000);
  }
  REQUIRE(Start(chat, true) == Error::kOk);
  const uint32_t bytes = recorder.spans().Find(chat)->attribute_bytes;
  CHECK(bytes <= kUserBytes);
  CHECK(bytes > kUserBytes - 3);
  CHECK(recorder.ReserveAttributes(chat, {}).value().bytes == kUserBytes - bytes);
}

TEST_CASE_FIXTURE(AgentsHost, "What is charged at the end leaves its room to the finish attributes") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kOutputMessages, 9'000);
  const Ending end{.exact = true, .written = {.count = 1, .bytes = kUserBytes, .invalid = 2}};
  REQUIRE(End(chat, end) == Error::kOk);
  CHECK(Keys() == KeyList{"otel.dropped_attributes_count"});
  CHECK(Number(Field::kDroppedAttributesCount) == 3);
  CHECK(Count(Counter::kAttributesDroppedType) == 2);
  CHECK(Count(Counter::kAttributesDroppedBytes) == 1);
}

TEST_CASE_FIXTURE(AgentsHost, "An exact offer past 128 attributes is dropped and counted") {
  const Handle custom = Open(Operation::kCustom);
  REQUIRE(recorder.ReserveAttributes(custom, {.count = 127}).ok());
  std::vector<trace::AttributeSize> sizes(3, {5, 5, true});
  std::vector<uint32_t> keep(3);
  CHECK(recorder.FitAttributes(custom, sizes, 0, keep).value() == 1);
  CHECK(keep == std::vector<uint32_t>{trace::kKeepAll, 0, 0});
  CHECK(recorder.FitAttributes(custom, sizes, 0, keep).value() == 0);
  CHECK(Count(Counter::kAttributesDroppedLimit) == 5);
  REQUIRE(End(custom) == Error::kOk);
  CHECK(Number(Field::kDroppedAttributesCount) == 5);
}

TEST_CASE_FIXTURE(AgentsHost, "Attributes without a recordable type are counted whether or not others come with them") {
  const Handle custom = Open(Operation::kCustom);
  CHECK(recorder.ReserveAttributes(custom, {.invalid = 2}).value().count == 128);
  std::vector<uint32_t> keep;
  CHECK(recorder.FitAttributes(custom, {}, 3, keep).value() == 0);
  CHECK(Count(Counter::kAttributesDroppedType) == 5);
  REQUIRE(End(custom) == Error::kOk);
  CHECK(Number(Field::kDroppedAttributesCount) == 5);
}

TEST_CASE_FIXTURE(AgentsHost, "An exact offer is decided value by value and charged with what is kept") {
  const Handle custom = Open(Operation::kCustom);
  const std::vector<trace::AttributeSize> sizes{
      {10, 100'000, true}, {10, 8, false}, {10, kMaxAttributeValueBytes + 1, false}, {10, 30'000, true}};
  std::vector<uint32_t> keep(4);
  CHECK(recorder.FitAttributes(custom, sizes, 0, keep).value() == 4);
  CHECK(keep == std::vector<uint32_t>{kMaxAttributeValueBytes, trace::kKeepAll, 0, kMaxAttributeValueBytes});
  const trace::Span& span = *recorder.spans().Find(custom);
  CHECK(span.attribute_bytes == 2 * (10 + kMaxAttributeValueBytes) + 18);
  CHECK(span.user_attributes == 3);
  CHECK(span.dropped_attributes == 1);
  CHECK(span.cut_attributes == 2);
  CHECK(Count(Counter::kAttributesDroppedBytes) == 1);
  CHECK(Count(Counter::kAttributesCut) == 2);
}

TEST_CASE_FIXTURE(AgentsHost, "An exact offer beyond the attribute limit decides the first ones only") {
  const Handle custom = Open(Operation::kCustom);
  const std::vector<trace::AttributeSize> sizes(200, {5, 5, true});
  std::vector<uint32_t> keep(200);
  CHECK(recorder.FitAttributes(custom, sizes, 0, keep).value() == 128);
  CHECK(keep[127] == trace::kKeepAll);
  CHECK(keep[128] == 0);
  CHECK(Count(Counter::kAttributesDroppedLimit) == 72);
}

void SetAllFinishFields(HostDouble& host) {
  host.Text(Field::kResponseId, 60);
  host.Text(Field::kResponseModel, 60);
  host.Text(Field::kFinishReason, 20);
  host.Text(Field::kErrorType, 60);
  host.Text(Field::kGatewayLogId, 256);
  for (const Field field :
       {Field::kTimeToFirstChunk, Field::kToolCount, Field::kInputTokens, Field::kOutputTokens,
        Field::kCacheCreationInputTokens, Field::kCacheReadInputTokens, Field::kReasoningOutputTokens}) {
    host.fields.SetNumber(field, 1e15);
  }
}

template <typename Host>
void CheckFinishFits() {
  Host host;
  const Handle chat = host.Open(Operation::kChat);
  // Two values and one byte too many: the last byte of the budget is taken, one is cut, one more is
  // dropped.
  const std::vector<trace::AttributeSize> sizes{
      {10, kUserBytes, true}, {10, kUserBytes, true}, {10, kUserBytes, true}, {10, kMaxAttributeValueBytes + 1, false}};
  std::vector<uint32_t> keep(4);
  REQUIRE(host.recorder.FitAttributes(chat, sizes, 0, keep).ok());
  CHECK(host.recorder.spans().Find(chat)->attribute_bytes > kUserBytes - 4);

  SetAllFinishFields(host);
  const Ending failed{.outcome = trace::Outcome::kFailed, .exact = true, .status_as_attribute = true};
  REQUIRE(host.End(chat, failed) == Error::kOk);
  for (const Field field :
       {Field::kResponseId, Field::kResponseModel, Field::kErrorType, Field::kStatusCode, Field::kGatewayLogId,
        Field::kInputTokens, Field::kOutputTokens, Field::kTotalTokens, Field::kCacheReadInputTokens,
        Field::kCacheCreationInputTokens, Field::kReasoningOutputTokens, Field::kToolCount, Field::kTimeToFirstChunk,
        Field::kDroppedAttributesCount, Field::kCutAttributesCount}) {
    CAPTURE(static_cast<int>(field));
    REQUIRE(host.Has(field));
    CHECK(host.SourceOf(field) != Source::kCutText);
  }
  CHECK(host.Number(Field::kDroppedAttributesCount) == 1);
  CHECK(host.Number(Field::kCutAttributesCount) == 3);
}

TEST_CASE("Finish attributes fit after the user has filled the span, in either profile") {
  CheckFinishFits<AgentsHost>();
  CheckFinishFits<LatestHost>();
}

TEST_CASE_FIXTURE(AgentsHost, "Finish attributes without exact sizes fit after the user has filled the span") {
  const Handle chat = Open(Operation::kChat);
  REQUIRE(recorder.ReserveAttributes(chat, {.count = 3, .bytes = kUserBytes}).ok());
  SetAllFinishFields(*this);
  CHECK(End(chat, {.outcome = trace::Outcome::kFailed}) == Error::kOk);
}

TEST_CASE_FIXTURE(AgentsHost, "A native span with all its attributes stays within 64 KiB") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kRequestModel, 50'000);
  Text(Field::kInputMessages, 20'000);
  REQUIRE(Start(chat, true) == Error::kOk);
  std::vector<uint32_t> keep(130);
  const std::vector<trace::AttributeSize> sizes(130, {20, 30'000, true});
  REQUIRE(recorder.FitAttributes(chat, sizes, 0, keep).ok());
  const uint32_t before = recorder.spans().Find(chat)->attribute_bytes;
  CHECK(before <= kUserBytes);

  Text(Field::kOutputMessages, 25'000);
  Text(Field::kResponseId, 24'000);
  fields.SetNumber(Field::kInputTokens, 1);
  REQUIRE(End(chat, {.exact = true}) == Error::kOk);
  uint64_t bytes = before;
  for (const Written& attribute : written) {
    CHECK(attribute.field != Field::kOutputMessages);
    bytes += attribute.key.size() + (attribute.source == Source::kCutText ? attribute.argument : 8);
  }
  CHECK(bytes <= kNativeSpanBytes);
  CHECK(Has(Field::kInputTokens));
  CHECK(Has(Field::kResponseId));
}

TEST_CASE_FIXTURE(AgentsHost, "An end that may not fit asks for exact sizes, stays open and changes nothing") {
  const Handle operation = Open(Operation::kInvokeAgent);
  const Handle chat = Open(Operation::kChat, operation);
  fields.SetNumber(Field::kInputTokens, 3);
  Text(Field::kOutputMessages, 20'000);
  CHECK(End(chat) == Error::kNeedExactSizes);
  CHECK(recorder.spans().Find(chat) != nullptr);
  CHECK(Count(Counter::kSpansEnded) == 0);
  CHECK(recorder.spans().Find(chat)->attribute_bytes == 0);
  CHECK(recorder.spans().Find(chat)->status == trace::StatusCode::kUnset);

  REQUIRE(End(chat, {.exact = true}) == Error::kOk);
  CHECK(Has(Field::kOutputMessages));
  REQUIRE(End(operation) == Error::kOk);
  CHECK(Number(Field::kInputTokens) == 3);
}

TEST_CASE_FIXTURE(AgentsHost, "An end that is repeated with another outcome has that outcome alone") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kOutputMessages, 20'000);
  CHECK(End(chat, {.outcome = trace::Outcome::kCancelled}) == Error::kNeedExactSizes);
  REQUIRE(End(chat, {.exact = true}) == Error::kOk);
  CHECK(Keys() == KeyList{"gen_ai.output.messages"});
}

TEST_CASE_FIXTURE(AgentsHost, "A native span that feeds a sink without limits too tells it what is left out") {
  const Handle chat = Open(Operation::kChat, kNoHandle, trace::kSpanNative | trace::kSpanWhole);
  Text(Field::kRequestModel, kMaxAttributeValueBytes + 1);
  Text(Field::kInputMessages, kMaxAttributeValueBytes + 1);
  REQUIRE(Start(chat) == Error::kNeedExactSizes);
  REQUIRE(Start(chat, true) == Error::kOk);
  CHECK(SourceOf(Field::kRequestModel) == Source::kCutText);
  CHECK_FALSE(Find(Field::kRequestModel)->left_out);
  CHECK(SourceOf(Field::kInputMessages) == Source::kText);
  CHECK(Find(Field::kInputMessages)->left_out);

  REQUIRE(End(chat) == Error::kOk);
  CHECK(Number(Field::kDroppedAttributesCount) == 1);
  CHECK(Number(Field::kCutAttributesCount) == 1);
  CHECK_FALSE(Find(Field::kDroppedAttributesCount)->left_out);
}

TEST_CASE_FIXTURE(AgentsHost, "A native span alone is not told what is left out") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kInputMessages, kMaxAttributeValueBytes + 1);
  REQUIRE(Start(chat, true) == Error::kOk);
  CHECK_FALSE(Has(Field::kInputMessages));
}

TEST_CASE_FIXTURE(AgentsHost, "A span that feeds a sink without limits alone keeps every value whole") {
  const Handle chat = Open(Operation::kChat, kNoHandle, trace::kSpanWhole);
  Text(Field::kRequestModel, UINT32_MAX - 1);
  Text(Field::kInputMessages, UINT32_MAX - 1);
  REQUIRE(Start(chat) == Error::kOk);
  CHECK(SourceOf(Field::kRequestModel) == Source::kText);
  CHECK_FALSE(Find(Field::kInputMessages)->left_out);

  const std::vector<trace::AttributeSize> sizes(130, {10, 10'000'000, false});
  std::vector<uint32_t> keep(130);
  CHECK(recorder.FitAttributes(chat, sizes, 0, keep).value() == kMaxUserAttributes);
  CHECK(std::count(keep.begin(), keep.end(), trace::kKeepAll) == kMaxUserAttributes);
  REQUIRE(End(chat) == Error::kOk);
}

TEST_CASE_FIXTURE(AgentsHost, "A span that is not native has no byte budget but the value limit") {
  const Handle chat = Open(Operation::kChat, kNoHandle, 0);
  for (int i = 0; i < 5; ++i) {
    CHECK(recorder.ReserveAttributes(chat, {.count = 1, .bytes = kNativeSpanBytes}).value().bytes > kNativeSpanBytes);
  }
  const std::vector<trace::AttributeSize> sizes(5, {10, 100'000, true});
  std::vector<uint32_t> keep(5);
  CHECK(recorder.FitAttributes(chat, sizes, 0, keep).value() == 5);
  CHECK(keep == std::vector<uint32_t>(5, kMaxAttributeValueBytes));
  Text(Field::kOutputMessages, kMaxAttributeValueBytes);
  Text(Field::kResponseId, kMaxAttributeValueBytes + 1);
  REQUIRE(End(chat, {.exact = true}) == Error::kOk);
  CHECK(SourceOf(Field::kOutputMessages) == Source::kText);
  CHECK(Find(Field::kResponseId)->argument == kMaxAttributeValueBytes);
}

TEST_CASE_FIXTURE(AgentsHost, "However much a span that is not native was charged its attributes are kept") {
  const Handle chat = Open(Operation::kChat, kNoHandle, 0);
  // Once around 32 bits, if bytes were added up for ever.
  for (int i = 0; i < 65'535; ++i) (void)recorder.ReserveAttributes(chat, {.bytes = UINT32_MAX});
  (void)recorder.ReserveAttributes(chat, {.bytes = kNativeSpanBytes - 200});
  fields.SetNumber(Field::kInputTokens, 1);
  fields.SetNumber(Field::kOutputTokens, 1);
  Text(Field::kResponseId, 60);
  Text(Field::kResponseModel, 60);
  REQUIRE(End(chat, {.exact = true}) == Error::kOk);
  CHECK(written.size() == 5);
}

}  // namespace
}  // namespace isotel::genai

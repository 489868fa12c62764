#include "genai/metrics.h"

#include <limits>
#include <map>

#include "../metrics/metrics_double.h"
#include "base/limits.h"
#include "host_double.h"
#include "metrics/labels.h"

namespace isotel::genai {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Labels = std::map<std::string, std::string>;

const Labels kChat{{"gen_ai.operation.name", "chat"},
                   {"gen_ai.provider.name", "openai"},
                   {"gen_ai.request.model", "gpt-5"},
                   {"gen_ai.response.model", "gpt-5-2026"}};

Labels With(Labels labels, const std::string& key, const std::string& value) {
  labels[key] = value;
  return labels;
}

/// A host with metrics on, and what all its frames add up to.
struct MeteredHost : HostDouble {
  MeteredHost() { Enable(false); }
  void Enable(bool former_names, std::string_view currency = "") {
    REQUIRE(recorder.EnableMetrics(registry, former_names, currency).ok());
  }

  Handle OpenChat(Handle parent = kNoHandle, uint32_t flags = trace::kSpanNative) {
    const Handle chat = HostDouble::Open(Operation::kChat, parent, flags);
    Interned(Field::kProviderName, "openai");
    Interned(Field::kRequestModel, "gpt-5");
    REQUIRE(Start(chat) == Error::kOk);
    return chat;
  }
  Error EndChat(Handle chat, double input, double output, const Ending& ending = {}) {
    Interned(Field::kResponseModel, "gpt-5-2026");
    fields.SetNumber(Field::kInputTokens, input);
    fields.SetNumber(Field::kOutputTokens, output);
    return HostDouble::End(chat, ending);
  }

  const metrics::Store& Totals() {
    for (const std::string& frame : metrics::TakeFrames(registry)) {
      REQUIRE(aggregator.Apply(frame, 2'000).error() == Error::kOk);
    }
    return aggregator.store();
  }
  /// The series of a family by its labels that are set, or null.
  const metrics::Point* Point(std::string_view name, const Labels& labels) {
    const metrics::Store& store = Totals();
    for (const metrics::Series& series : store.series()) {
      if (store.DeclarationOf(series).name != name) continue;
      Labels found;
      metrics::LabelIterator iterator(store.DeclarationOf(series).label_keys, store.LabelsOf(series));
      for (std::string_view key, value; iterator.Next(key, value);) found.emplace(key, value);
      if (found == labels) return &series.point;
    }
    return nullptr;
  }
  /// Sum of a series, or -1 when there is none; 0 for one that was never recorded.
  double Sum(std::string_view name, const Labels& labels) {
    const metrics::Point* point = Point(name, labels);
    return point == nullptr ? -1 : point->sum.ToDouble();
  }
  /// Observations of a histogram's series, 0 when there is none.
  uint64_t Observed(std::string_view name, const Labels& labels) {
    const metrics::Point* point = Point(name, labels);
    return point == nullptr ? 0 : point->Count();
  }
  std::map<std::string, size_t> Families() {
    std::map<std::string, size_t> families;
    const metrics::Store& store = Totals();
    for (const metrics::Series& series : store.series()) ++families[store.DeclarationOf(series).name];
    return families;
  }

  metrics::Registry registry{metrics::MakeProducer(1)};
  metrics::Aggregator aggregator{metrics::AggregatorOptions{}};
};

// ---- calls of models ----

TEST_CASE_FIXTURE(MeteredHost, "A chat span is measured once, by the current names") {
  const Handle chat = OpenChat();
  fields.SetNumber(Field::kCacheReadInputTokens, 30);
  fields.SetNumber(Field::kCacheCreationInputTokens, 20);
  fields.SetNumber(Field::kReasoningOutputTokens, 5);
  REQUIRE(EndChat(chat, 100, 40, {.end_unix_ms = 1'640}) == Error::kOk);
  const std::string base = "gen_ai.client.inference.";
  CHECK(Sum(base + "duration", kChat) == 0.64);
  // 0.64 s is a bound, and bounds are inclusive.
  CHECK(Point(base + "duration", kChat)->counts[6] == 1);
  const Labels usage = With(kChat, "gen_ai.token.modality", "unknown");
  CHECK(Sum(base + "usage.input_tokens", usage) == 100);
  CHECK(Sum(base + "usage.output_tokens", usage) == 40);
  CHECK(Sum(base + "usage.cache_read.input_tokens", usage) == 30);
  CHECK(Sum(base + "usage.cache_write.input_tokens", usage) == 20);
  CHECK(Sum(base + "usage.reasoning.output_tokens", usage) == 5);
  CHECK(Sum(base + "operation.input_tokens", kChat) == 100);
  CHECK(Point(base + "operation.input_tokens", kChat)->counts[4] == 1);
  CHECK(Sum(base + "operation.output_tokens", kChat) == 40);
  for (const auto& [name, series] : Families()) {
    CAPTURE(name);
    CHECK(series == 1);
    CHECK(name.starts_with(base));
  }
  CHECK(Families().size() == 8);
}

TEST_CASE_FIXTURE(MeteredHost, "Calls with the same labels share their rows") {
  for (int i = 0; i < 3; ++i) REQUIRE(EndChat(OpenChat(), 10, 1) == Error::kOk);
  const uint32_t rows = registry.rows();
  for (int i = 0; i < 97; ++i) REQUIRE(EndChat(OpenChat(), 10, 1) == Error::kOk);
  CHECK(registry.rows() == rows);
  CHECK(Observed("gen_ai.client.inference.duration", kChat) == 100);
  CHECK(Sum("gen_ai.client.inference.usage.input_tokens", With(kChat, "gen_ai.token.modality", "unknown")) == 1'000);
}

TEST_CASE_FIXTURE(MeteredHost, "A stream is measured by its first chunk and each further one") {
  const Handle chat = OpenChat();
  REQUIRE(recorder.NextChunk(chat, 1'010) == Error::kOk);  // there was no first
  REQUIRE(recorder.FirstChunk(chat, 1'200) == Error::kOk);
  REQUIRE(recorder.FirstChunk(chat, 1'900) == Error::kOk);  // one more first is none
  REQUIRE(recorder.NextChunk(chat, 1'210) == Error::kOk);
  REQUIRE(recorder.NextChunk(chat, kNan) == Error::kOk);
  REQUIRE(recorder.NextChunk(chat, 1'310) == Error::kOk);
  REQUIRE(recorder.NextChunk(chat, 1'300) == Error::kOk);  // a clock that was set back
  REQUIRE(EndChat(chat, 1, 1) == Error::kOk);
  CHECK(Sum("gen_ai.client.inference.time_to_first_chunk", kChat) == doctest::Approx(0.2));
  const metrics::Point* gaps = Point("gen_ai.client.inference.time_per_output_chunk", kChat);
  REQUIRE(gaps != nullptr);
  CHECK(gaps->Count() == 3);
  CHECK(gaps->counts[0] == 2);  // 0.01 s and 0
  CHECK(gaps->counts[4] == 1);  // 0.1 s
  CHECK(gaps->sum.ToDouble() == doctest::Approx(0.11));
  CHECK(recorder.NextChunk(chat, 1'400) == Error::kAlreadyEnded);
  CHECK(Count(Counter::kLateWrites) == 1);
}

TEST_CASE_FIXTURE(MeteredHost, "A call without a stream has no chunk metrics") {
  REQUIRE(EndChat(OpenChat(), 1, 1) == Error::kOk);
  CHECK(Families().count("gen_ai.client.inference.time_to_first_chunk") == 0);
  CHECK(Families().count("gen_ai.client.inference.time_per_output_chunk") == 0);
}

TEST_CASE_FIXTURE(MeteredHost, "Of how a call ended only a failure shows, as error.type of its duration") {
  const std::string duration = "gen_ai.client.inference.duration";
  const auto end = [&](trace::Outcome outcome, std::string_view error) {
    const Handle chat = OpenChat();
    if (!error.empty()) Interned(Field::kErrorType, error);
    REQUIRE(EndChat(chat, 7, 1, {.outcome = outcome}) == Error::kOk);
  };
  end(trace::Outcome::kFinished, "");
  end(trace::Outcome::kCancelled, "AbortError");
  end(trace::Outcome::kTruncated, "");
  end(trace::Outcome::kFailed, "AI_APICallError");
  end(trace::Outcome::kFailed, "");
  CHECK(Observed(duration, kChat) == 3);
  CHECK(Observed(duration, With(kChat, "error.type", "AI_APICallError")) == 1);
  CHECK(Observed(duration, With(kChat, "error.type", "_OTHER")) == 1);
  // What failed calls used is used.
  CHECK(Sum("gen_ai.client.inference.usage.input_tokens", With(kChat, "gen_ai.token.modality", "unknown")) == 35);
  CHECK(Families()[duration] == 3);
  CHECK(Families()["gen_ai.client.inference.usage.input_tokens"] == 1);
}

TEST_CASE_FIXTURE(MeteredHost, "What a call does not tell is not recorded") {
  const Handle chat = OpenChat();
  REQUIRE(EndChat(chat, kNan, -1) == Error::kOk);
  CHECK(Families() == std::map<std::string, size_t>{{"gen_ai.client.inference.duration", 1}});
}

TEST_CASE_FIXTURE(MeteredHost, "A call without times has no duration") {
  const Handle chat = recorder.OpenSpan({.operation = static_cast<uint32_t>(Operation::kChat)}).value();
  REQUIRE(Start(chat) == Error::kOk);
  REQUIRE(recorder.FirstChunk(chat, 1'500) == Error::kOk);
  REQUIRE(EndChat(chat, 4, 2) == Error::kOk);
  REQUIRE(EndChat(OpenChat(), 4, 2, {.end_unix_ms = kInfinity}) == Error::kOk);
  CHECK(Families().count("gen_ai.client.inference.duration") == 0);
  CHECK(Families().count("gen_ai.client.inference.time_to_first_chunk") == 0);
  CHECK(Families()["gen_ai.client.inference.usage.input_tokens"] == 2);
}

TEST_CASE_FIXTURE(MeteredHost, "Required labels have a value whatever the host says") {
  const Handle chat = Open(Operation::kChat);
  Text(Field::kRequestModel, 9);                     // a text the host could not intern
  fields.SetInterned(Field::kProviderName, 12'345);  // and one nobody did
  REQUIRE(Start(chat) == Error::kOk);
  REQUIRE(End(chat) == Error::kOk);
  CHECK(Observed("gen_ai.client.inference.duration", {{"gen_ai.operation.name", "chat"},
                                                      {"gen_ai.provider.name", "_OTHER"},
                                                      {"gen_ai.request.model", "_OTHER"}}) == 1);
  REQUIRE(End(Open(Operation::kChat)) == Error::kOk);
  CHECK(Observed("gen_ai.client.inference.duration",
                 {{"gen_ai.operation.name", "chat"}, {"gen_ai.provider.name", "unknown"}}) == 1);
}

TEST_CASE_FIXTURE(MeteredHost, "Embeddings have a duration and tokens of their own, rankings that of other calls") {
  for (const auto& [operation, name] :
       {std::pair(Operation::kEmbeddings, "embeddings"), std::pair(Operation::kRerank, "rerank")}) {
    const Handle call = Open(operation);
    Interned(Field::kProviderName, "cohere");
    REQUIRE(Start(call) == Error::kOk);
    fields.SetNumber(Field::kInputTokens, 12);
    REQUIRE(End(call) == Error::kOk);
    const bool is_ranking = operation == Operation::kRerank;
    const Labels labels{{"gen_ai.operation.name", name}, {"gen_ai.provider.name", "cohere"}};
    CHECK(Observed(is_ranking ? "gen_ai.client.operation.duration" : "gen_ai.client.embeddings.duration", labels) == 1);
    if (!is_ranking) CHECK(Sum("gen_ai.client.embeddings.operation.input_tokens", labels) == 12);
  }
  CHECK(Families() == std::map<std::string, size_t>{{"gen_ai.client.embeddings.duration", 1},
                                                    {"gen_ai.client.embeddings.operation.input_tokens", 1},
                                                    {"gen_ai.client.operation.duration", 1}});
}

TEST_CASE_FIXTURE(MeteredHost, "Generated content is inference") {
  const Handle call = Open(Operation::kGenerateContent);
  Interned(Field::kProviderName, "openai");
  REQUIRE(Start(call) == Error::kOk);
  fields.SetNumber(Field::kInputTokens, 12);
  REQUIRE(End(call) == Error::kOk);
  const Labels labels{{"gen_ai.operation.name", "generate_content"}, {"gen_ai.provider.name", "openai"}};
  CHECK(Observed("gen_ai.client.inference.duration", labels) == 1);
  CHECK(Sum("gen_ai.client.inference.operation.input_tokens", labels) == 12);
}

// ---- agents and tools ----

TEST_CASE_FIXTURE(MeteredHost, "An agent with three model calls and four tools counts each once") {
  const Handle agent = Open(Operation::kInvokeAgent);
  Interned(Field::kAgentName, "weather");
  Interned(Field::kRequestModel, "gpt-5");
  REQUIRE(Start(agent) == Error::kOk);
  for (const double input : {100, 150}) REQUIRE(EndChat(OpenChat(agent), input, 10) == Error::kOk);
  for (const char* name : {"search", "search", "mail"}) {
    const Handle tool = Open(Operation::kExecuteTool, agent);
    Interned(Field::kAgentName, "weather");
    Interned(Field::kToolName, name);
    REQUIRE(Start(tool) == Error::kOk);
    // An agent called by a tool is another one: its calls are its own.
    const Handle inner = Open(Operation::kInvokeAgent, tool);
    REQUIRE(EndChat(OpenChat(inner), 1, 1) == Error::kOk);
    REQUIRE(End(inner) == Error::kOk);
    REQUIRE(End(tool, {.end_unix_ms = 1'020}) == Error::kOk);
  }
  // A tool that the provider runs stands below its model call.
  const Handle asking = OpenChat(agent);
  const Handle extension = Open(Operation::kExecuteTool, asking);
  Interned(Field::kToolName, "web_search");
  Interned(Field::kToolType, "extension");
  REQUIRE(Start(extension) == Error::kOk);
  REQUIRE(End(extension) == Error::kOk);
  REQUIRE(EndChat(asking, 0, 0) == Error::kOk);
  const Handle approval = Open(Operation::kToolApproval, agent);
  Interned(Field::kToolName, "mail");
  REQUIRE(Start(approval) == Error::kOk);
  REQUIRE(End(approval) == Error::kOk);
  fields.SetNumber(Field::kInputTokens, 250);
  REQUIRE(End(agent, {.outcome = trace::Outcome::kCancelled, .end_unix_ms = 4'200}) == Error::kOk);

  const Labels name{{"gen_ai.agent.name", "weather"}};
  const Labels invoked = With(name, "gen_ai.operation.name", "invoke_agent");
  CHECK(Sum("gen_ai.invoke_agent.duration", With(invoked, "gen_ai.request.model", "gpt-5")) == 3.2);
  CHECK(Sum("gen_ai.invoke_agent.inference_calls", name) == 3);
  CHECK(Sum("gen_ai.invoke_agent.tool_calls", name) == 4);
  CHECK(Sum("gen_ai.invoke_agent.inference_calls", {}) == 3);
  CHECK(Observed("gen_ai.invoke_agent.inference_calls", {}) == 3);
  const Labels tool{{"gen_ai.agent.name", "weather"}, {"gen_ai.tool.type", "function"}};
  CHECK(Observed("gen_ai.execute_tool.duration", With(tool, "gen_ai.tool.name", "search")) == 2);
  CHECK(Observed("gen_ai.execute_tool.duration", With(tool, "gen_ai.tool.name", "mail")) == 1);
  // Only the calls themselves: neither the agent's sum nor its own report.
  CHECK(Sum("gen_ai.client.inference.usage.input_tokens", With(kChat, "gen_ai.token.modality", "unknown")) == 253);
}

TEST_CASE_FIXTURE(MeteredHost, "A tool that fails says with what, and its type where the host gives one") {
  const Handle tool = Open(Operation::kExecuteTool);
  Interned(Field::kToolName, "search");
  Interned(Field::kToolType, "extension");
  REQUIRE(Start(tool) == Error::kOk);
  Interned(Field::kErrorType, "TypeError");
  REQUIRE(End(tool, {.outcome = trace::Outcome::kFailed}) == Error::kOk);
  REQUIRE(End(Open(Operation::kExecuteTool)) == Error::kOk);
  CHECK(Observed("gen_ai.execute_tool.duration",
                 {{"error.type", "TypeError"}, {"gen_ai.tool.name", "search"}, {"gen_ai.tool.type", "extension"}}) ==
        1);
  CHECK(Observed("gen_ai.execute_tool.duration", {{"gen_ai.tool.name", "unknown"}}) == 1);
}

TEST_CASE_FIXTURE(MeteredHost, "Spans of the user's own are not measured") {
  REQUIRE(End(Open(Operation::kCustom)) == Error::kOk);
  CHECK_FALSE(registry.dirty());
}

// ---- names ----

TEST_CASE_FIXTURE(MeteredHost, "Former names come beside the current ones") {
  Enable(true);
  const Handle chat = OpenChat();
  REQUIRE(recorder.FirstChunk(chat, 1'100) == Error::kOk);
  REQUIRE(recorder.NextChunk(chat, 1'200) == Error::kOk);
  REQUIRE(EndChat(chat, 100, 40) == Error::kOk);
  CHECK(Observed("gen_ai.client.inference.duration", kChat) == 1);
  CHECK(Observed("gen_ai.client.operation.duration", kChat) == 1);
  CHECK(Observed("gen_ai.client.operation.time_to_first_chunk", kChat) == 1);
  CHECK(Observed("gen_ai.client.operation.time_per_output_chunk", kChat) == 1);
  CHECK(Sum("gen_ai.client.token.usage", With(kChat, "gen_ai.token.type", "input")) == 100);
  CHECK(Sum("gen_ai.client.token.usage", With(kChat, "gen_ai.token.type", "output")) == 40);
  const Handle embeddings = Open(Operation::kEmbeddings);
  Interned(Field::kProviderName, "openai");
  REQUIRE(Start(embeddings) == Error::kOk);
  fields.SetNumber(Field::kInputTokens, 12);
  REQUIRE(End(embeddings) == Error::kOk);
  const Labels labels{{"gen_ai.operation.name", "embeddings"}, {"gen_ai.provider.name", "openai"}};
  CHECK(Sum("gen_ai.client.token.usage", With(labels, "gen_ai.token.type", "input")) == 12);
  CHECK(Observed("gen_ai.client.operation.duration", labels) == 1);
}

TEST_CASE_FIXTURE(MeteredHost,
                  "A currency that differs from the one before, or is too long, leaves metrics as they are") {
  CHECK(recorder.EnableMetrics(registry, false, "EUR").error() == Error::kConflict);
  CHECK(recorder.EnableMetrics(registry, false, std::string(64, 'x')).error() == Error::kInvalidDeclaration);
  REQUIRE(EndChat(OpenChat(), 1, 1) == Error::kOk);
  CHECK(Observed("gen_ai.client.inference.duration", kChat) == 1);
}

TEST_CASE_FIXTURE(MeteredHost, "A metric whose name the host declares is left out, before or after, and no other") {
  metrics::Must(registry.Declare(metrics::MakeDeclaration(metrics::Kind::kCounter, "gen_ai_client_token_usage"), 0));
  CHECK(recorder.EnableMetrics(registry, true, "").value() == 2);
  metrics::Must(
      registry.Declare(metrics::MakeDeclaration(metrics::Kind::kCounter, "gen_ai.client.inference.duration"), 0));
  REQUIRE(EndChat(OpenChat(), 100, 40) == Error::kOk);
  CHECK(Observed("gen_ai.client.inference.operation.input_tokens", kChat) == 1);
  const metrics::Store& store = Totals();
  for (const metrics::Series& series : store.series()) {
    CHECK(store.DeclarationOf(series).name != "gen_ai.client.token.usage");
    CHECK(store.DeclarationOf(series).name != "gen_ai.client.inference.duration");
  }
}

// ---- cost ----

const Labels kCostLabels{{"gen_ai.provider.name", "openai"}, {"gen_ai.request.model", "gpt-5"}};

TEST_CASE_FIXTURE(MeteredHost, "A call costs what its tokens do, cached ones apart") {
  REQUIRE(recorder.SetPrice("gpt-5", {2, 8, 0.5, 2.5}) == Error::kOk);
  const Handle chat = OpenChat();
  fields.SetNumber(Field::kCacheReadInputTokens, 400'000);
  fields.SetNumber(Field::kCacheCreationInputTokens, 100'000);
  REQUIRE(EndChat(chat, 1'000'000, 250'000) == Error::kOk);
  CHECK(Sum("isotel.gen_ai.cost", kCostLabels) == doctest::Approx(1 + 0.2 + 0.25 + 2).epsilon(1e-12));
  const metrics::Store& store = Totals();
  for (const metrics::Series& series : store.series()) {
    if (store.DeclarationOf(series).name == "isotel.gen_ai.cost") CHECK(store.DeclarationOf(series).unit == "USD");
  }
}

TEST_CASE_FIXTURE(MeteredHost, "Cached tokens without a price of their own cost what others do") {
  REQUIRE(recorder.SetPrice("gpt-5", {2, 8, kNan, kNan}) == Error::kOk);
  const Handle chat = OpenChat();
  fields.SetNumber(Field::kCacheReadInputTokens, 400'000);
  REQUIRE(EndChat(chat, 1'000'000, 0) == Error::kOk);
  CHECK(Sum("isotel.gen_ai.cost", kCostLabels) == doctest::Approx(2).epsilon(1e-12));
}

TEST_CASE_FIXTURE(MeteredHost, "A call costs nothing known without a price, and without tokens") {
  REQUIRE(EndChat(OpenChat(), 1'000'000, 0) == Error::kOk);
  REQUIRE(recorder.SetPrice("gpt-4", {2, 8, kNan, kNan}) == Error::kOk);
  REQUIRE(EndChat(OpenChat(), 1'000'000, 0) == Error::kOk);
  CHECK(Families().count("isotel.gen_ai.cost") == 0);
  // A price that comes later counts from then on, also for labels that have been seen.
  REQUIRE(recorder.SetPrice("gpt-5", {2, 8, kNan, kNan}) == Error::kOk);
  REQUIRE(EndChat(OpenChat(), kNan, kNan) == Error::kOk);
  CHECK(Families().count("isotel.gen_ai.cost") == 0);
  REQUIRE(EndChat(OpenChat(), 1'000'000, kNan) == Error::kOk);
  REQUIRE(recorder.SetPrice("gpt-5", {3, 8, kNan, kNan}) == Error::kOk);
  REQUIRE(EndChat(OpenChat(), 1'000'000, kNan) == Error::kOk);
  CHECK(Sum("isotel.gen_ai.cost", kCostLabels) == doctest::Approx(5).epsilon(1e-12));
}

TEST_CASE_FIXTURE(MeteredHost, "More cached tokens than there are cost what they cost, and never less than nothing") {
  REQUIRE(recorder.SetPrice("gpt-5", {2, 8, 1, 1}) == Error::kOk);
  const Handle chat = OpenChat();
  fields.SetNumber(Field::kCacheReadInputTokens, 1'000'000);
  REQUIRE(EndChat(chat, 10, 0) == Error::kOk);
  CHECK(Sum("isotel.gen_ai.cost", kCostLabels) == doctest::Approx(1).epsilon(1e-12));
}

TEST_CASE_FIXTURE(MeteredHost, "Costs have the currency that is asked for") {
  HostDouble host;
  metrics::Registry euros(metrics::MakeProducer(3));
  REQUIRE(host.recorder.EnableMetrics(euros, false, "EUR").ok());
  metrics::Declaration cost = DeclarationOf(Metric::kCost);
  cost.unit = "EUR";
  const uint32_t families = euros.families();
  CHECK(euros.Declare(cost, 0, metrics::Registry::Origin::kBuiltIn).ok());
  CHECK(euros.families() == families);
}

TEST_CASE_FIXTURE(MeteredHost, "What is no price is refused, and prices are limited") {
  for (const Price& price : {Price{-1, 1, 1, 1}, Price{1, kNan, 1, 1}, Price{1, 1, -1, 1}, Price{1, 1, 1, kInfinity}}) {
    CHECK(recorder.SetPrice("gpt-5", price) == Error::kInvalidValue);
  }
  for (uint32_t i = 0; i < kMaxPrices; ++i) {
    REQUIRE(recorder.SetPrice(metrics::Numbered("model-", i), {1, 1, 1, 1}) == Error::kOk);
  }
  CHECK(recorder.SetPrice("one more", {1, 1, 1, 1}) == Error::kLimitReached);
  CHECK(recorder.SetPrice("model-7", {2, 1, 1, 1}) == Error::kOk);
}

TEST_CASE_FIXTURE(MeteredHost, "A reported cost goes before that of the prices, in the metric and on the span") {
  REQUIRE(recorder.SetPrice("gpt-5", {2, 8, kNan, kNan}) == Error::kOk);
  for (const double cost : {0.25, 0.0}) {
    const Handle chat = OpenChat();
    fields.SetNumber(Field::kCost, cost);
    REQUIRE(EndChat(chat, 1'000'000, 0) == Error::kOk);
    CHECK(Number(Field::kCost) == cost);
    CHECK(TextOf(Field::kCostCurrency) == "USD");
    CHECK(!Has(Field::kCostSource));
  }
  // What is no cost is as if none were reported.
  for (const double cost : {-1.0, kNan, kInfinity}) {
    const Handle chat = OpenChat();
    fields.SetNumber(Field::kCost, cost);
    REQUIRE(EndChat(chat, 1'000'000, 0) == Error::kOk);
    CHECK(Number(Field::kCost) == 2);
    CHECK(TextOf(Field::kCostSource) == "prices");
  }
  CHECK(Sum("isotel.gen_ai.cost", kCostLabels) == doctest::Approx(0.25 + 3 * 2).epsilon(1e-12));
}

TEST_CASE("Where costs have another currency than US dollars, reported ones do not count") {
  HostDouble host;
  metrics::Registry euros(metrics::MakeProducer(3));
  REQUIRE(host.recorder.EnableMetrics(euros, false, "EUR").ok());
  const Handle chat = host.Open(Operation::kChat);
  host.fields.SetNumber(Field::kCost, 0.25);
  REQUIRE(host.End(chat) == Error::kOk);
  CHECK_FALSE(host.Has(Field::kCost));
  CHECK_FALSE(host.Has(Field::kCostCurrency));

  REQUIRE(host.recorder.SetPrice("gpt-5", {2, 8, kNan, kNan}) == Error::kOk);
  const Handle agent = host.Open(Operation::kInvokeAgent);
  const Handle priced = host.Open(Operation::kChat, agent);
  host.Interned(Field::kRequestModel, "gpt-5");
  REQUIRE(host.Start(priced) == Error::kOk);
  host.fields.SetNumber(Field::kCost, 0.25);
  host.fields.SetNumber(Field::kInputTokens, 1'000'000);
  REQUIRE(host.End(priced) == Error::kOk);
  CHECK(host.Number(Field::kCost) == 2);
  CHECK(host.TextOf(Field::kCostCurrency) == "EUR");
  REQUIRE(host.End(agent) == Error::kOk);
  CHECK(host.Number(Field::kCost) == 2);
  CHECK(host.TextOf(Field::kCostCurrency) == "EUR");
}

TEST_CASE("An operation has the sum of what its calls cost, without metrics too") {
  HostDouble host;
  REQUIRE(host.recorder.SetPrice("gpt-5", {2, 8, kNan, kNan}) == Error::kOk);
  const Handle agent = host.Open(Operation::kInvokeAgent);
  host.Interned(Field::kRequestModel, "gpt-5");
  REQUIRE(host.Start(agent) == Error::kOk);
  for (const double reported : {0.5, kNan}) {
    const Handle chat = host.Open(Operation::kChat, agent);
    host.Interned(Field::kRequestModel, "gpt-5");
    REQUIRE(host.Start(chat) == Error::kOk);
    host.fields.SetNumber(Field::kCost, reported);
    host.fields.SetNumber(Field::kInputTokens, 1'000'000);
    REQUIRE(host.End(chat) == Error::kOk);
  }
  // The host may have the tokens of the whole operation, and the cost of one of its calls.
  host.fields.SetNumber(Field::kCost, 7);
  host.fields.SetNumber(Field::kInputTokens, 2'000'000);
  REQUIRE(host.End(agent) == Error::kOk);
  CHECK(host.Number(Field::kCost) == 2.5);
  CHECK(host.TextOf(Field::kCostCurrency) == "USD");
  CHECK_FALSE(host.Has(Field::kCostSource));
}

TEST_CASE("An operation without calls has no cost") {
  HostDouble host;
  REQUIRE(host.recorder.SetPrice("gpt-5", {2, 8, kNan, kNan}) == Error::kOk);
  const Handle agent = host.Open(Operation::kInvokeAgent);
  host.Interned(Field::kRequestModel, "gpt-5");
  REQUIRE(host.Start(agent) == Error::kOk);
  host.fields.SetNumber(Field::kInputTokens, 1'000'000);
  REQUIRE(host.End(agent) == Error::kOk);
  CHECK_FALSE(host.Has(Field::kCost));
}

TEST_CASE_FIXTURE(MeteredHost, "The span of a client's tool is a tool call of its operation and has no duration") {
  const Handle agent = HostDouble::Open(Operation::kInvokeAgent);
  REQUIRE(Start(agent) == Error::kOk);
  const Handle tool = HostDouble::Open(Operation::kExecuteTool, agent);
  fields.SetNumber(Field::kToolRunsOnClient, 1);
  REQUIRE(Start(tool) == Error::kOk);
  REQUIRE(HostDouble::End(tool) == Error::kOk);
  REQUIRE(HostDouble::End(agent) == Error::kOk);
  CHECK(Families().count("gen_ai.execute_tool.duration") == 0);
  CHECK(Sum("gen_ai.invoke_agent.tool_calls", {}) == 1);
}

TEST_CASE("Only a failed span says why it has failed, and only a cancelled one why it was aborted") {
  for (const trace::Outcome outcome :
       {trace::Outcome::kFinished, trace::Outcome::kCancelled, trace::Outcome::kTruncated, trace::Outcome::kFailed}) {
    HostDouble host;
    const Handle chat = host.Open(Operation::kChat);
    host.fields.SetNumber(Field::kHttpStatusCode, 429);
    host.Text(Field::kErrorCode, 5);
    host.Text(Field::kErrorMessage, 5);
    host.Text(Field::kAbortReason, 5);
    REQUIRE(host.End(chat, {.outcome = outcome}) == Error::kOk);
    for (const Field field : {Field::kHttpStatusCode, Field::kErrorCode, Field::kErrorMessage}) {
      CHECK(host.Has(field) == (outcome == trace::Outcome::kFailed));
    }
    CHECK(host.Has(Field::kAbortReason) == (outcome == trace::Outcome::kCancelled));
  }
}

// ---- spans nobody traces, limits ----

// Plays one agent with a streamed chat and a failing tool; what all metrics came to.
std::string Played(uint32_t flags) {
  MeteredHost host;
  const bool is_traced = flags != trace::kSpanUntraced;
  const Handle agent = host.Open(Operation::kInvokeAgent, kNoHandle, flags);
  host.Interned(Field::kAgentName, "weather");
  REQUIRE(host.Start(agent) == Error::kOk);
  CHECK(host.written.empty() != is_traced);
  const Handle chat = host.OpenChat(agent, flags);
  CHECK(host.written.empty() != is_traced);
  REQUIRE(host.recorder.FirstChunk(chat, 1'100) == Error::kOk);
  REQUIRE(host.recorder.NextChunk(chat, 1'300) == Error::kOk);
  REQUIRE(host.EndChat(chat, 100, 40) == Error::kOk);
  CHECK(host.written.empty() != is_traced);
  const Handle tool = host.Open(Operation::kExecuteTool, agent, flags);
  host.Interned(Field::kToolName, "search");
  REQUIRE(host.Start(tool) == Error::kOk);
  host.Interned(Field::kErrorType, "Error");
  REQUIRE(host.End(tool, {.outcome = trace::Outcome::kFailed}) == Error::kOk);
  CHECK(host.status == trace::StatusCode::kError);
  REQUIRE(host.End(agent) == Error::kOk);
  CHECK(host.Families().size() == 11);
  return metrics::Body(host.Totals());
}

TEST_CASE("An untraced span gives no attributes, and the metrics of a traced one") {
  CHECK(Played(trace::kSpanUntraced) == Played(trace::kSpanNative));
}

TEST_CASE_FIXTURE(MeteredHost, "An untraced span needs no exact sizes") {
  const Handle chat = Open(Operation::kChat, kNoHandle, trace::kSpanNative | trace::kSpanUntraced);
  Text(Field::kInputMessages, 100'000);
  CHECK(Start(chat) == Error::kOk);
  Text(Field::kOutputMessages, 100'000);
  CHECK(End(chat) == Error::kOk);
  CHECK(Count(Counter::kAttributesDroppedBytes) == 0);
}

TEST_CASE_FIXTURE(MeteredHost, "An end that has to be repeated with exact sizes is recorded once") {
  const Handle chat = OpenChat();
  const auto end = [&](bool exact) {
    Text(Field::kOutputMessages, exact ? 20'000 : 40'000);
    return EndChat(chat, 10, 1, {.exact = exact});
  };
  REQUIRE(end(false) == Error::kNeedExactSizes);
  CHECK_FALSE(registry.dirty());
  REQUIRE(end(true) == Error::kOk);
  CHECK(Observed("gen_ai.client.inference.duration", kChat) == 1);
  CHECK(end(true) == Error::kAlreadyEnded);
  CHECK(Observed("gen_ai.client.inference.duration", kChat) == 1);
}

TEST_CASE("A span that was open before metrics were is left out") {
  MeteredHost host;
  HostDouble plain;
  const Handle before = plain.Open(Operation::kChat);
  REQUIRE(plain.recorder.EnableMetrics(host.registry, false, "").ok());
  const Handle child = plain.Open(Operation::kChat, before);
  REQUIRE(plain.Start(child) == Error::kOk);
  CHECK(plain.recorder.NextChunk(before, 1'100) == Error::kOk);
  REQUIRE(plain.End(before) == Error::kOk);
  CHECK_FALSE(host.registry.dirty());
  REQUIRE(plain.End(child) == Error::kOk);
  CHECK(host.registry.dirty());
}

TEST_CASE_FIXTURE(MeteredHost, "Without metrics nothing is recorded") {
  HostDouble plain;
  const Handle chat = plain.Open(Operation::kChat, kNoHandle, trace::kSpanUntraced);
  CHECK(plain.Start(chat) == Error::kOk);
  CHECK(plain.recorder.NextChunk(chat, 1'100) == Error::kOk);
  CHECK(plain.End(chat) == Error::kOk);
  CHECK(plain.written.empty());
}

TEST_CASE_FIXTURE(MeteredHost, "Label sets past every cap are counted in one row, and none is lost") {
  constexpr uint32_t kSets = 2 * kMaxSeriesPerFamily + 5;
  REQUIRE(recorder.EnableMetrics(registry, false, "", kSets).ok());
  std::vector<std::string> names;
  for (uint32_t i = 0; i < kSets / 10 + 1; ++i) names.push_back(metrics::Numbered("name-", i));
  for (int round = 0; round < 2; ++round) {
    for (uint32_t i = 0; i < kSets; ++i) {
      const Handle tool = Open(Operation::kExecuteTool);
      Interned(Field::kToolName, names[i / 10]);
      Interned(Field::kToolType, names[i % 10]);
      REQUIRE(Start(tool) == Error::kOk);
      REQUIRE(End(tool) == Error::kOk);
    }
  }
  CHECK(registry.rows() == kMaxSeriesPerFamily + 1);
  uint64_t recorded = 0;
  const metrics::Store& store = Totals();
  for (const metrics::Series& series : store.series()) recorded += series.point.Count();
  CHECK(recorded == 2 * uint64_t{kSets});
  CHECK(registry.label_sets_overflowed() > 0);
}

// ---- values that a Worker's users choose ----

struct BoundedHost : MeteredHost {
  void Limit(uint32_t max_values) { REQUIRE(recorder.EnableMetrics(registry, false, "", max_values).ok()); }
  // Interns as a host does: with the field, and without asking again for a text that it knows.
  void Chosen(Field field, const std::string& text) {
    const auto known = texts.find(text);
    const TextId id = known != texts.end() ? known->second : recorder.Intern(text, static_cast<uint32_t>(field));
    if (id != 0) texts[text] = id;
    fields.SetInterned(field, id);
  }
  void Tool(const std::string& name, const std::string& agent) {
    const Handle tool = Open(Operation::kExecuteTool);
    Chosen(Field::kToolName, name);
    Chosen(Field::kAgentName, agent);
    REQUIRE(Start(tool) == Error::kOk);
    REQUIRE(End(tool) == Error::kOk);
  }
  uint64_t ToolCalls(const std::string& name, const std::string& agent) {
    const Labels labels{{"gen_ai.tool.name", name}, {"gen_ai.tool.type", "function"}, {"gen_ai.agent.name", agent}};
    return Observed("gen_ai.execute_tool.duration", labels);
  }
  uint64_t Overflowed() { return recorder.counters().Get(Counter::kLabelValuesOverflowed); }

  std::map<std::string, TextId> texts{};
};

TEST_CASE_FIXTURE(BoundedHost, "A label has its limit of values, and further ones are _OTHER and counted") {
  Limit(3);
  for (const char* name : {"a", "b", "c", "d", "e", "d", "a", "c"}) Tool(name, "agent");
  CHECK(ToolCalls("a", "agent") == 2);
  CHECK(ToolCalls("b", "agent") == 1);
  CHECK(ToolCalls("c", "agent") == 2);
  CHECK(ToolCalls("d", "agent") == 0);
  CHECK(ToolCalls("_OTHER", "agent") == 3);
  CHECK(Overflowed() == 3);
}

TEST_CASE_FIXTURE(BoundedHost, "A label that is full takes no value from another one, and no room among the texts") {
  Limit(3);
  for (uint64_t i = 0; i < 3 * kMaxInternedTexts; ++i) Tool(metrics::Numbered("tool ", i), "agent");
  Tool("tool 0", "second agent");
  Tool("tool 1", "third agent");
  CHECK(ToolCalls("tool 0", "second agent") == 1);
  CHECK(ToolCalls("tool 1", "third agent") == 1);
  Tool("tool 1", "fourth agent");
  CHECK(ToolCalls("tool 1", "_OTHER") == 1);
  CHECK(Overflowed() == 3 * kMaxInternedTexts - 3 + 1);
  CHECK(recorder.counters().Get(Counter::kInternOverflows) == 0);
  CHECK(recorder.texts().size() < 100);
}

TEST_CASE_FIXTURE(BoundedHost, "A text that one label has is not a value of another label that is full") {
  Limit(1);
  Tool("a", "a");
  Tool("b", "a");
  Tool("a", "b");
  CHECK(ToolCalls("a", "a") == 1);
  CHECK(ToolCalls("_OTHER", "a") == 1);
  CHECK(ToolCalls("a", "_OTHER") == 1);
  CHECK(Overflowed() == 2);
}

TEST_CASE_FIXTURE(BoundedHost, "A text that crossed for one label is no value of another one that is full") {
  Limit(1);
  Tool("a", "b");
  Tool("b", "a");
  CHECK(ToolCalls("a", "b") == 1);
  CHECK(ToolCalls("_OTHER", "_OTHER") == 1);
  CHECK(Overflowed() == 2);
}

TEST_CASE_FIXTURE(BoundedHost, "A text that could not be interned is counted only if its label is full") {
  Limit(1);
  const auto without_text = [&] {
    const Handle tool = Open(Operation::kExecuteTool);
    fields.SetInterned(Field::kToolName, 0);
    REQUIRE(Start(tool) == Error::kOk);
    REQUIRE(End(tool) == Error::kOk);
  };
  without_text();
  CHECK(Overflowed() == 0);
  Tool("a", "agent");
  without_text();
  CHECK(Overflowed() == 1);
}

TEST_CASE_FIXTURE(BoundedHost, "Texts of spans whose metrics do not have the label do not fill the table either") {
  Limit(5);
  for (uint64_t i = 0; i < 2 * kMaxInternedTexts; ++i) {
    const Handle chat = Open(Operation::kChat);
    Chosen(Field::kAgentName, metrics::Numbered("agent ", i));
    REQUIRE(Start(chat) == Error::kOk);
    REQUIRE(End(chat) == Error::kOk);
  }
  CHECK(recorder.texts().size() < 100);
  CHECK(Overflowed() == 0);
}

TEST_CASE_FIXTURE(BoundedHost, "Every label has a limit: model, response model, provider, error type") {
  Limit(2);
  for (const char* text : {"1", "2", "3"}) {
    const Handle chat = Open(Operation::kChat);
    Chosen(Field::kProviderName, std::string("p") + text);
    Chosen(Field::kRequestModel, std::string("m") + text);
    REQUIRE(Start(chat) == Error::kOk);
    Chosen(Field::kResponseModel, std::string("r") + text);
    Chosen(Field::kErrorType, std::string("e") + text);
    REQUIRE(End(chat, {.outcome = trace::Outcome::kFailed}) == Error::kOk);
  }
  Labels expected{{"gen_ai.operation.name", "chat"},
                  {"gen_ai.provider.name", "p2"},
                  {"gen_ai.request.model", "m2"},
                  {"gen_ai.response.model", "r2"},
                  {"error.type", "e2"}};
  CHECK(Observed("gen_ai.client.inference.duration", expected) == 1);
  for (auto& [key, value] : expected) {
    if (key != "gen_ai.operation.name") value = "_OTHER";
  }
  CHECK(Observed("gen_ai.client.inference.duration", expected) == 1);
  CHECK(Overflowed() == 4);
}

TEST_CASE_FIXTURE(BoundedHost, "The default is a hundred values") {
  for (uint64_t i = 0; i <= kDefaultLabelValues; ++i) Tool(metrics::Numbered("tool ", i), "agent");
  CHECK(ToolCalls("tool 99", "agent") == 1);
  CHECK(ToolCalls("tool 100", "agent") == 0);
  CHECK(ToolCalls("_OTHER", "agent") == 1);
}

TEST_CASE_FIXTURE(BoundedHost, "A model with a price is always named and has its cost, past the limit too") {
  Limit(1);
  REQUIRE(recorder.SetPrice("listed", {1e6, 0, kNan, kNan}) == Error::kOk);
  for (const char* model : {"first", "second", "listed"}) {
    const Handle chat = Open(Operation::kChat);
    Chosen(Field::kProviderName, "openai");
    Chosen(Field::kRequestModel, model);
    REQUIRE(Start(chat) == Error::kOk);
    fields.SetNumber(Field::kInputTokens, 2);
    fields.SetNumber(Field::kOutputTokens, 0);
    REQUIRE(End(chat) == Error::kOk);
  }
  CHECK(Sum("isotel.gen_ai.cost", {{"gen_ai.provider.name", "openai"}, {"gen_ai.request.model", "listed"}}) == 2);
  CHECK(Overflowed() == 1);
}

TEST_CASE_FIXTURE(BoundedHost, "Texts that are no labels have no limit") {
  Limit(1);
  for (uint64_t i = 0; i < 10; ++i) {
    CHECK(recorder.Intern(metrics::Numbered("stop ", i), static_cast<uint32_t>(Field::kFinishReason)) != 0);
    CHECK(recorder.Intern(metrics::Numbered("other ", i)) != 0);
  }
}

}  // namespace
}  // namespace isotel::genai

#include "otlp/dialect.h"

#include <doctest/doctest.h>

#include <limits>
#include <map>
#include <set>

#include "base/json_reader.h"
#include "batch_builder.h"

namespace isotel::otlp {
namespace {

using enum Dialect;

template <Dialect kDialect>
Encoded In(BatchReader& in, Format format, ByteWriter& out) {
  return EncodeTraces(in, format, kDialect, out);
}

constexpr std::pair<Dialect, BatchBuilder::Encode> kDialects[] = {
    {kOpenInference, In<kOpenInference>}, {kLangfuse, In<kLangfuse>}, {kLangSmith, In<kLangSmith>},
    {kBraintrust, In<kBraintrust>},       {kSentry, In<kSentry>},
};

BatchBuilder::Encode EncodeIn(Dialect dialect) {
  for (const auto& [known, encode] : kDialects) {
    if (known == dialect) return encode;
  }
  return EncodeTraces;
}

/// Attributes in order. A list is one of texts.
using Given = std::vector<std::pair<std::string, Json>>;
/// What a backend gets: texts, numbers, booleans and lists by key.
using Got = std::map<std::string, Json>;

class Spans {
 public:
  explicit Spans(size_t count) { batch_.Head().Words({static_cast<uint32_t>(count)}); }

  void Add(const Given& attributes) {
    batch_.Span("s").Words({static_cast<uint32_t>(attributes.size())});
    for (const auto& [name, value] : attributes) {
      const uint32_t key = KeyOf(name);
      if (value.is_string()) {
        batch_.TextValue(key, value.get<std::string>());
      } else if (value.is_boolean()) {
        batch_.Value(key, value.get<bool>() ? ValueKind::kTrue : ValueKind::kFalse);
      } else if (value.is_number_integer()) {
        const auto bits = static_cast<uint64_t>(value.get<int64_t>());
        batch_.Value(key, ValueKind::kInt64).Words({static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)});
      } else if (value.is_number()) {
        batch_.Value(key, ValueKind::kDouble).Number(value.get<double>());
      } else {
        batch_.Value(key, ValueKind::kList).Words({static_cast<uint32_t>(value.size())});
        for (const Json& text : value) {
          text.is_string() ? batch_.TextValue(0, text.get<std::string>()) : batch_.Value(0, ValueKind::kTrue);
        }
      }
    }
    batch_.Words({0, 0});
  }

  // Fails if a key occurs twice, except in `repeated`.
  std::vector<Got> Sent(Dialect dialect, std::string_view repeated = "") const {
    std::vector<Got> all;
    const Json request = batch_.Request(EncodeIn(dialect), "TraceRequest");
    for (const Json& span : request["resourceSpans"][0]["scopeSpans"][0]["spans"]) {
      Got got;
      for (const Json& attribute : span.value("attributes", Json::array())) {
        const std::string key = attribute["key"];
        CAPTURE(key);
        const bool is_new = got.emplace(key, Plain(attribute["value"])).second;
        CHECK((is_new || key == repeated));
      }
      all.push_back(std::move(got));
    }
    return all;
  }

 private:
  uint32_t KeyOf(const std::string& name) {
    const auto [at, is_new] = keys_.try_emplace(name, 0);
    if (is_new) at->second = batch_.Key(name);
    return at->second;
  }
  static Json Plain(const Json& value) {
    if (value.contains("intValue")) return std::stoll(value["intValue"].get<std::string>());
    if (value.contains("arrayValue")) {
      Json list = Json::array();
      for (const Json& item : value["arrayValue"].value("values", Json::array())) list.push_back(Plain(item));
      return list;
    }
    return value.front();
  }

  BatchBuilder batch_;
  std::map<std::string, uint32_t> keys_;
};

Got Sent(Dialect dialect, const Given& attributes, std::string_view repeated = "") {
  Spans spans(1);
  spans.Add(attributes);
  return spans.Sent(dialect, repeated).at(0);
}

Given Chat(const Given& more) {
  Given all{{"gen_ai.operation.name", "chat"}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// The keys that begin with `prefix`.
size_t CountOf(const Got& got, std::string_view prefix) {
  return static_cast<size_t>(
      std::count_if(got.begin(), got.end(), [&](const auto& entry) { return entry.first.starts_with(prefix); }));
}

constexpr const char* kOperations[] = {"chat",         "embeddings",   "rerank",       "generate_content",
                                       "invoke_agent", "execute_tool", "tool_approval"};

TEST_CASE("every row that copies or renames does so on the spans that it names, and on no others") {
  uint32_t rows = 0;
  for (const auto& [dialect, encode] : kDialects) {
    const DialectRows range = RowsOf(dialect);
    std::set<DialectText> renamed;
    for (uint32_t at = range.first; at < range.end; ++at) {
      if (RowAt(at).rule == DialectRule::kRename) renamed.insert(RowAt(at).from);
    }
    for (uint32_t at = range.first; at < range.end; ++at) {
      const DialectRow row = RowAt(at);
      if (row.rule != DialectRule::kCopy && row.rule != DialectRule::kRename) continue;
      const std::string from(TextAt(row.from));
      const std::string to(TextAt(row.to));
      CAPTURE(from);
      CAPTURE(to);
      for (const char* const operation : kOperations) {
        CAPTURE(operation);
        const bool is_meant = (row.spans & OperationOf(operation, dialect).spans) != 0;
        const Got got = Sent(dialect, {{"gen_ai.operation.name", operation}, {from, "a value"}});
        CHECK(got.contains(to) == is_meant);
        if (is_meant) CHECK(got.at(to) == "a value");
        CHECK(got.contains(from) != renamed.contains(row.from));
      }
      // What the span has already is its own.
      const Got kept = Sent(dialect, {{"gen_ai.operation.name", "chat"}, {to, true}, {from, "a value"}});
      CHECK(kept.at(to) == true);
      if (row.rule == DialectRule::kRename) CHECK(kept.at(from) == "a value");
      ++rows;
    }
  }
  CHECK(rows > 50);
}

TEST_CASE("every operation has its kind in every dialect, and another one has none") {
  const std::map<Dialect, std::string> keys{{kOpenInference, "openinference.span.kind"},
                                            {kLangfuse, "langfuse.observation.type"},
                                            {kLangSmith, "langsmith.span.kind"},
                                            {kBraintrust, "braintrust.span_attributes.type"}};
  const auto kind = [&](Dialect dialect, const char* operation) -> Json {
    const Got got = Sent(dialect, {{"gen_ai.operation.name", operation}});
    const auto at = got.find(keys.at(dialect));
    return at == got.end() ? Json() : at->second;
  };
  for (const auto& [operation, expected] : std::map<const char*, std::vector<const char*>>{
           {"chat", {"LLM", "generation", "llm", "llm"}},
           {"embeddings", {"EMBEDDING", "embedding", "embedding", "function"}},
           {"invoke_agent", {"AGENT", "agent", "chain", "task"}},
           {"execute_tool", {"TOOL", "tool", "tool", "tool"}},
       }) {
    size_t column = 0;
    for (const Dialect dialect : {kOpenInference, kLangfuse, kLangSmith, kBraintrust}) {
      CHECK(kind(dialect, operation) == expected[column++]);
    }
  }
  for (const Dialect dialect : {kOpenInference, kLangfuse, kLangSmith, kBraintrust}) {
    for (const char* const operation : {"", "chat ", "CHAT", "cha"}) CHECK(kind(dialect, operation).is_null());
  }
  CHECK(Sent(kSentry, Chat({})).at("sentry.op") == "gen_ai.chat");
  CHECK_FALSE(Sent(kSentry, {{"gen_ai.operation.name", "other"}}).contains("sentry.op"));
}

TEST_CASE("a batch of many spans is what each span is alone") {
  const std::vector<Given> all{
      Chat({{"gen_ai.request.temperature", 0.5}, {"gen_ai.request.model", "a"}}),
      Chat({{"gen_ai.request.temperature", 0.5}, {"gen_ai.request.model", "a"}}),
      Chat({{"gen_ai.request.temperature", 0.25}, {"gen_ai.request.model", "a"}}),
      Chat({{"gen_ai.request.temperature", 0.0}}),
      Chat({{"gen_ai.request.temperature", 0.125}}),
      Chat({{"gen_ai.request.seed", int64_t{1} << 53}}),
      Chat({{"gen_ai.request.seed", (int64_t{1} << 53) + 1}}),
      Chat({{"gen_ai.request.model", "a"}}),
      Chat({{"gen_ai.request.model", "b"}}),
      Chat({{"gen_ai.request.temperature", 1}, {"gen_ai.request.model", "b"}}),
      Chat({{"gen_ai.request.stop_sequences", {"x", "\"y\""}}}),
      Chat({{"gen_ai.request.stop_sequences", {"z"}}}),
      Chat({{"gen_ai.usage.input_tokens", 8}, {"cloudflare.agents.usage.cost.amount", 0.5}}),
      Chat({{"gen_ai.usage.input_tokens", 8}, {"cloudflare.agents.usage.cost.amount", 0.5}}),
      Chat({{"gen_ai.usage.input_tokens", 7}, {"cloudflare.agents.usage.cost.amount", 0.5}}),
      {{"gen_ai.operation.name", "invoke_agent"}, {"gen_ai.usage.input_tokens", 9}},
      Chat({{"gen_ai.usage.input_tokens", 9}}),
      {{"gen_ai.usage.input_tokens", 9}},
      {{"gen_ai.request.model", "a"}},
      {{"other", true}},
      {},
  };
  Spans spans(all.size());
  for (const Given& attributes : all) spans.Add(attributes);
  for (const auto& [dialect, encode] : kDialects) {
    const std::vector<Got> together = spans.Sent(dialect);
    for (size_t i = 0; i < all.size(); ++i) {
      CAPTURE(i);
      CHECK(together.at(i) == Sent(dialect, all[i]));
    }
  }
}

TEST_CASE("events have the names of the batch, also for a text that the span before has under another name") {
  BatchBuilder batch;
  const uint32_t id = batch.Key("gen_ai.conversation.id");
  // Enough spans for a buffer with room, which the faster loop needs.
  constexpr uint32_t kSpans = 20;
  batch.Head().Words({kSpans});
  for (uint32_t i = 0; i < kSpans; ++i) {
    batch.Span("s").Words({1});
    i == 0 ? batch.TextValue(id, "c") : batch.Value(id, ValueKind::kSameText);
    batch.Words({1, 1, 0}).Number(1'000).Text("e").Words({1}).Value(id, ValueKind::kSameText).Words({0});
  }
  const Json request = batch.Request(In<kOpenInference>, "TraceRequest");
  for (const Json& span : request["resourceSpans"][0]["scopeSpans"][0]["spans"]) {
    CHECK(span["attributes"][0]["key"] == "session.id");
    CHECK(span["events"][0]["attributes"][0]["key"] == "gen_ai.conversation.id");
    CHECK(span["events"][0]["attributes"][0]["value"]["stringValue"] == "c");
  }
}

TEST_CASE("whether a text is JSON is not that of the span before") {
  const std::string json = R"([{"role":"user","parts":[]}])";
  Spans spans(3);
  for (const std::string& text : {json, std::string("no JSON"), json}) spans.Add({{"gen_ai.input.messages", text}});
  const std::vector<Got> got = spans.Sent(kOpenInference);
  CHECK(got[0].at("input.mime_type") == "application/json");
  CHECK(got[1].at("input.mime_type") == "text/plain");
  CHECK(CountOf(got[1], "llm.") == 0);
  CHECK(got[2] == got[0]);
}

TEST_CASE("parameters are a JSON object of texts, finite numbers and lists of texts") {
  const auto parameters = [](const Given& more) {
    const Got got = Sent(kOpenInference, Chat(more));
    const auto at = got.find("llm.invocation_parameters");
    return at == got.end() ? std::string() : at->second.get<std::string>();
  };
  CHECK(parameters({{"gen_ai.request.model", "a\"\n"}, {"gen_ai.request.seed", -7}, {"gen_ai.request.top_p", 0.5}}) ==
        R"({"model":"a\"\u000a","top_p":0.5,"seed":-7})");
  CHECK(parameters({{"gen_ai.request.stop_sequences", {"é\"", ""}}, {"gen_ai.request.seed", 1}}) ==
        R"({"seed":1,"stop_sequences":["é\"",""]})");
  CHECK(parameters({{"gen_ai.request.stop_sequences", Json::array()}}) == R"({"stop_sequences":[]})");
  CHECK(parameters({{"gen_ai.request.stop_sequences", {"a", true, "b"}}}).empty());
  CHECK(parameters({{"gen_ai.request.seed", std::numeric_limits<double>::quiet_NaN()}}).empty());
  CHECK(parameters({{"gen_ai.request.seed", std::numeric_limits<double>::infinity()}, {"gen_ai.request.top_k", 2}}) ==
        R"({"top_k":2})");
  CHECK(parameters({{"gen_ai.request.seed", true}}).empty());
  CHECK(parameters({{"gen_ai.request.seed", std::numeric_limits<int64_t>::min()}}) ==
        R"({"seed":-9223372036854775808})");
}

TEST_CASE("usage of Langfuse counts each token once, and never less than none") {
  const auto usage = [](const Given& more) {
    const Got got = Sent(kLangfuse, Chat(more));
    return got.at("langfuse.observation.usage_details").get<std::string>();
  };
  CHECK(usage({{"gen_ai.usage.input_tokens", 100},
               {"gen_ai.usage.cache_read.input_tokens", 30},
               {"gen_ai.usage.cache_write.input_tokens", 10},
               {"gen_ai.usage.output_tokens", 20},
               {"gen_ai.usage.reasoning.output_tokens", 5}}) ==
        R"({"input":60,"input_cached_tokens":30,"input_cache_creation":10,"output":15,"output_reasoning_tokens":5})");
  CHECK(usage({{"gen_ai.usage.input_tokens", 1}, {"gen_ai.usage.cache_read.input_tokens", 2}}) ==
        R"({"input":0,"input_cached_tokens":2})");
  CHECK(usage({{"gen_ai.usage.input_tokens", 2.5}, {"gen_ai.usage.cache_read.input_tokens", 1}}) ==
        R"({"input":1.5,"input_cached_tokens":1})");
  CHECK(usage({{"gen_ai.usage.input_tokens", 3}, {"gen_ai.usage.cache_read.input_tokens", "2"}}) ==
        R"({"input":3,"input_cached_tokens":"2"})");
  CHECK(usage({{"gen_ai.usage.input_tokens", 3},
               {"gen_ai.usage.cache_read.input_tokens", std::numeric_limits<double>::infinity()}}) == R"({"input":3})");
  CHECK(Sent(kLangfuse, {{"gen_ai.operation.name", "invoke_agent"}, {"gen_ai.usage.input_tokens", 3}})
            .at("langfuse.observation.usage_details") == "{}");
}

TEST_CASE("a total is that of two whole numbers") {
  const auto total = [](const Json& input, const Json& output) -> Json {
    const Got got =
        Sent(kOpenInference, {{"gen_ai.usage.input_tokens", input}, {"gen_ai.usage.output_tokens", output}});
    const auto at = got.find("llm.token_count.total");
    return at == got.end() ? Json() : at->second;
  };
  CHECK(total(3, 4) == 7);
  CHECK(total(3, 4.5).is_null());
  CHECK(total("3", 4).is_null());
  CHECK(total(std::numeric_limits<int64_t>::max(), 1) == std::numeric_limits<int64_t>::min());
  CHECK_FALSE(Sent(kOpenInference, {{"gen_ai.usage.input_tokens", 3}}).contains("llm.token_count.total"));
}

TEST_CASE("the first chunk is a time of the calendar") {
  const std::string key = "langfuse.observation.completion_start_time";
  const auto time = [&](const Json& seconds) -> Json {
    const Got got = Sent(kLangfuse, Chat({{"gen_ai.response.time_to_first_chunk", seconds}}));
    const auto at = got.find(key);
    return at == got.end() ? Json() : at->second;
  };
  CHECK(time(0) == "1970-01-01T00:00:01.000Z");
  CHECK(time(0.0625) == "1970-01-01T00:00:01.062Z");
  CHECK(time(951'782'399) == "2000-02-29T00:00:00.000Z");
  for (const double bad : {-1.0, 1e9, 1e300, std::numeric_limits<double>::quiet_NaN()}) CHECK(time(bad).is_null());
  CHECK(time("1").is_null());
}

TEST_CASE("costs in another currency than US dollars are not copied") {
  const std::string amount = "cloudflare.agents.usage.cost.amount";
  const std::string currency = "cloudflare.agents.usage.cost.currency";
  for (const auto& [dialect, key] : std::map<Dialect, std::string>{{kOpenInference, "llm.cost.total"},
                                                                   {kLangfuse, "langfuse.observation.cost_details"},
                                                                   {kBraintrust, "braintrust.metrics.estimated_cost"},
                                                                   {kSentry, "gen_ai.cost.total_tokens"}}) {
    CAPTURE(key);
    CHECK(Sent(dialect, Chat({{amount, 0.5}})).contains(key));
    CHECK(Sent(dialect, Chat({{amount, 0.5}, {currency, "USD"}})).contains(key));
    CHECK_FALSE(Sent(dialect, Chat({{amount, 0.5}, {currency, "EUR"}})).contains(key));
    CHECK_FALSE(Sent(dialect, Chat({{currency, "US"}, {amount, 0.5}})).contains(key));
  }
}

TEST_CASE("of two attributes with one name in the dialect, the first counts") {
  const std::string creation = "gen_ai.usage.cache_creation.input_tokens";
  const std::string write = "gen_ai.usage.cache_write.input_tokens";
  const std::string to = "llm.token_count.prompt_details.cache_write";
  const std::vector<Given> all{{{creation, 1}, {write, 2}}, {{write, 2}, {creation, 1}}, {{write, 2}}, {{creation, 1}}};
  Spans spans(all.size());
  for (const Given& attributes : all) spans.Add(attributes);
  const std::vector<Got> got = spans.Sent(kOpenInference);
  CHECK(got[0] == Got{{to, 1}, {creation, 1}, {write, 2}});
  CHECK(got[1] == Got{{to, 1}, {creation, 1}, {write, 2}});
  CHECK(got[2] == Got{{to, 2}, {write, 2}});
  CHECK(got[3] == Got{{to, 1}, {creation, 1}});
}

TEST_CASE("agents have no tokens and costs of OpenInference, which would be added to those of their calls") {
  const Given usage{{"gen_ai.usage.input_tokens", 3},
                    {"gen_ai.usage.output_tokens", 4},
                    {"gen_ai.usage.reasoning.output_tokens", 1},
                    {"cloudflare.agents.usage.cost.amount", 0.5}};
  Given agent{{"gen_ai.operation.name", "invoke_agent"}};
  agent.insert(agent.end(), usage.begin(), usage.end());
  const Got got = Sent(kOpenInference, agent);
  CHECK(CountOf(got, "llm.") == 0);
  CHECK(got.at("gen_ai.usage.input_tokens") == 3);
  CHECK(CountOf(Sent(kOpenInference, Chat(usage)), "llm.") == 5);
  CHECK(CountOf(Sent(kOpenInference, usage), "llm.") == 5);
}

TEST_CASE("of a key that occurs twice, both stay and the last counts") {
  const Got got = Sent(kLangSmith, Chat({{"user.id", "a"}, {"user.id", "b"}}), "user.id");
  CHECK(got.at("user.id") == "a");
  CHECK(got.at("langsmith.metadata.user_id") == "b");
}

TEST_CASE("of equal members of a message, the last counts") {
  const Got got = Sent(kOpenInference,
                       {{"gen_ai.input.messages",
                         R"([{"role":"user","parts":[{"type":"text","content":"a","content":"b"}],"role":"tool"}])"}});
  CHECK(got.at("llm.input_messages.0.message.role") == "tool");
  CHECK(got.at("llm.input_messages.0.message.contents.0.message_content.text") == "b");
}

TEST_CASE("broken JSON stays as it is and becomes no messages") {
  const std::string deep = std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']');
  for (const std::string& text : {std::string(), std::string("["), std::string("[{\"role\":\"user\",\"parts\":[]}"),
                                  std::string("[1 2]"), deep, std::string(100'000, '[')}) {
    for (const char* const key : {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.definitions"}) {
      const Got got = Sent(kOpenInference, Chat({{key, text}}));
      CHECK(got.at(key) == text);
      CHECK(CountOf(got, "llm.") == 0);
    }
    const Got got = Sent(kOpenInference, Chat({{"gen_ai.system_instructions", text}}));
    CHECK(got.at("gen_ai.system_instructions") == text);
    CHECK(got.at("llm.input_messages.0.message.contents.0.message_content.text") == text);
  }
}

TEST_CASE("JSON of another shape becomes no messages") {
  for (const char* const text : {"{}", "7", "null", "\"text\"", "[1,null,\"a\",[],{}]", "[{\"role\":1,\"parts\":[]}]",
                                 "[{\"role\":\"user\",\"parts\":{}}]", R"({"a":{"role":"user","parts":[]}})"}) {
    CAPTURE(text);
    const Got got = Sent(kOpenInference, {{"gen_ai.input.messages", text}, {"gen_ai.output.messages", text}});
    CHECK(got.at("gen_ai.input.messages") == text);
    CHECK(got.at("input.mime_type") == "application/json");
    CHECK(CountOf(got, "llm.") == 0);
  }
  CHECK(CountOf(Sent(kOpenInference, {{"gen_ai.tool.definitions", "{\"a\":1}"}}), "llm.tools") == 0);
}

std::string List(size_t count, const std::string& item) {
  std::string list = "[";
  for (size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + item;
  return list + "]";
}

TEST_CASE("messages become a limited number of attributes") {
  const std::string part = R"({"type":"text","content":"x"})";
  const std::string messages = List(3'000, R"({"role":"user","parts":[]})");
  const std::string parts = R"([{"role":"user","parts":)" + List(3'000, part) + "}]";
  const std::string responses = R"([{"role":"tool","parts":)" + List(3'000, R"({"type":"tool_call_response"})") + "}]";
  for (const std::string& text : {messages, parts, responses}) {
    const Got got = Sent(kOpenInference, {{"gen_ai.input.messages", text}});
    CHECK(CountOf(got, "llm.input_messages.") == kMaxMessageAttributes);
    CHECK(got.at("input.value") == text);
  }
  CHECK(CountOf(Sent(kOpenInference, {{"gen_ai.tool.definitions", List(3'000, "{}")}}), "llm.tools.") ==
        kMaxMessageAttributes);
}

TEST_CASE("a dialect adds a limited number of bytes to a span, and the span keeps its own") {
  const std::string big(kMaxAddedBytes + 1, 'x');
  const std::string half(kMaxAddedBytes / 2, 'y');
  const Got got = Sent(kLangSmith, Chat({{"gen_ai.conversation.id", big},
                                         {"user.id", half},
                                         {"gen_ai.agent.name", half},
                                         {"gen_ai.provider.name", "openai"}}));
  CHECK(got.at("gen_ai.conversation.id") == big);
  CHECK_FALSE(got.contains("langsmith.metadata.session_id"));
  CHECK(got.at("langsmith.metadata.user_id") == half);
  CHECK_FALSE(got.contains("langsmith.metadata.agent_name"));
  CHECK(got.at("gen_ai.system") == "openai");

  const std::string content = R"([{"role":"user","parts":[{"type":"text","content":")" + big + R"("}]}])";
  const Got messages = Sent(kOpenInference, Chat({{"gen_ai.input.messages", content}}));
  CHECK(messages.at("gen_ai.input.messages") == content);
  CHECK_FALSE(messages.contains("input.value"));
  CHECK(messages.at("llm.input_messages.0.message.role") == "user");
  CHECK_FALSE(messages.contains("llm.input_messages.0.message.contents.0.message_content.text"));
}

TEST_CASE("a conversation with a picture, tools and reasoning is flat") {
  const char* const input = R"([
    {"role":"user","parts":[{"type":"text","content":"What is \"this\"?"},
                            {"type":"uri","modality":"image","uri":"https:\/\/a.example\/x.png"},
                            {"type":"uri","modality":"audio","uri":"u"}]},
    {"role":"assistant","parts":[{"type":"reasoning","content":"hm"},
                                 {"type":"tool_call","id":"c1","name":"look","arguments":{"a": [1]}},
                                 {"type":"tool_call","name":"none"},
                                 {"content":"no type"},null,7]},
    {"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":{"b":2}},
                            {"type":"tool_call_response","response":null}, {"type":"text","content":"lost"}]},
    {"role":"tool","parts":[{"type":"text","content":"no response"}]}])";
  Got got = Sent(kOpenInference, {{"gen_ai.system_instructions", R"([{"type":"text","content":"Be brief."}])"},
                                  {"gen_ai.input.messages", input}});
  const Got expected{
      {"0.message.role", "system"},
      {"0.message.contents.0.message_content.type", "text"},
      {"0.message.contents.0.message_content.text", "Be brief."},
      {"1.message.role", "user"},
      {"1.message.contents.0.message_content.type", "text"},
      {"1.message.contents.0.message_content.text", "What is \"this\"?"},
      {"1.message.contents.1.message_content.type", "image"},
      {"1.message.contents.1.message_content.image.image.url", "https://a.example/x.png"},
      {"1.message.contents.2.message_content.type", "uri"},
      {"1.message.contents.2.message_content.text", R"({"type":"uri","modality":"audio","uri":"u"})"},
      {"2.message.role", "assistant"},
      {"2.message.contents.0.message_content.type", "reasoning"},
      {"2.message.contents.0.message_content.text", "hm"},
      {"2.message.tool_calls.0.tool_call.id", "c1"},
      {"2.message.tool_calls.0.tool_call.function.name", "look"},
      {"2.message.tool_calls.0.tool_call.function.arguments", R"({"a": [1]})"},
      {"2.message.tool_calls.1.tool_call.function.name", "none"},
      {"2.message.tool_calls.1.tool_call.function.arguments", "{}"},
      {"3.message.role", "tool"},
      {"3.message.tool_call_id", "c1"},
      {"3.message.content", R"({"b":2})"},
      {"4.message.role", "tool"},
      {"4.message.content", "null"},
      {"5.message.role", "tool"},
      {"5.message.contents.0.message_content.type", "text"},
      {"5.message.contents.0.message_content.text", "no response"},
  };
  for (const auto& [key, value] : expected) {
    CAPTURE(key);
    CHECK(got["llm.input_messages." + key] == value);
  }
  CHECK(CountOf(got, "llm.input_messages.") == expected.size());
}

TEST_CASE("tools have the form of OpenAI") {
  const Got got = Sent(kOpenInference, {{"gen_ai.tool.definitions", R"([
      {"type":"function","name":"a","description":"d","parameters":{"type":"object"}},
      {"name":"b","parameters":null,"input_schema":{}}, {"type":"function","function":{"name":"c"}}, {"x":1}, 7])"}});
  CHECK(got.at("llm.tools.0.tool.json_schema") ==
        R"({"type":"function","function":{"name":"a","description":"d","parameters":{"type":"object"}}})");
  CHECK(got.at("llm.tools.1.tool.json_schema") == R"({"type":"function","function":{"name":"b","parameters":{}}})");
  CHECK(got.at("llm.tools.2.tool.json_schema") == R"({"type":"function","function":{"name":"c"}})");
  CHECK(got.at("llm.tools.3.tool.json_schema") == R"({"x":1})");
  CHECK(got.at("llm.tools.4.tool.json_schema") == "7");
}

TEST_CASE("the finish reason is the first of a list, or a text") {
  const auto reason = [](const Given& attributes) -> Json {
    const Got got = Sent(kOpenInference, attributes);
    const auto at = got.find("llm.finish_reason");
    return at == got.end() ? Json() : at->second;
  };
  CHECK(reason({{"gen_ai.response.finish_reasons", {"stop", "length"}}}) == "stop");
  CHECK(reason({{"gen_ai.response.finish_reasons", "stop"}}) == "stop");
  CHECK(reason({{"gen_ai.response.finish_reasons", Json::array()}}).is_null());
  CHECK(reason({{"gen_ai.response.finish_reasons", {true}}}).is_null());
  CHECK(reason({{"gen_ai.response.finish_reasons", {"a"}}, {"cloudflare.agents.response.finish_reason", "b"}}) == "b");
}

TEST_CASE("a batch whose texts are not all ASCII has the same lists") {
  Spans spans(2);
  spans.Add({{"gen_ai.request.stop_sequences", {"日本", "🚀"}}, {"gen_ai.response.finish_reasons", {"é"}}, {"a", "ü"}});
  spans.Add({{"gen_ai.request.model", "😀"}, {"gen_ai.request.stop_sequences", {"x"}}});
  const std::vector<Got> got = spans.Sent(kOpenInference);
  CHECK(got[0].at("llm.invocation_parameters") == R"({"stop_sequences":["日本","🚀"]})");
  CHECK(got[0].at("llm.finish_reason") == "é");
  CHECK(got[0].at("a") == "ü");
  CHECK(got[1].at("llm.invocation_parameters") == R"({"model":"😀","stop_sequences":["x"]})");
}

}  // namespace
}  // namespace isotel::otlp

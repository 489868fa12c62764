// Spans of a model call with any texts as messages, instructions and tools, and any numbers, in each dialect: both
// formats say the same, what the span had is still there, and JSON is told from other texts as another reader tells it.
#include <algorithm>
#include <string>

// The builder of batches has assertions for tests. A fuzzer has no test runner.
#define DOCTEST_CONFIG_DISABLE
#include "../native/otlp/batch_builder.h"
#include "base/json_reader.h"
#include "base/utf8.h"
#include "fuzz_input.h"

namespace {

using namespace isotel;
using namespace isotel::otlp;

// The other reader has no limit of depth, skips a byte order mark and stops at a NUL. It refuses numbers that a double
// cannot hold.
void CheckJson(const std::string& text) {
  const bool is_json = !Json::parse(text, nullptr, false).is_discarded();
  if (IsJson(text) == is_json || text.starts_with("\xEF\xBB\xBF")) return;
  if (text.find('\0') != std::string::npos) return;
  const auto opened =
      static_cast<uint32_t>(std::count_if(text.begin(), text.end(), [](char c) { return c == '[' || c == '{'; }));
  const bool may_be_huge = text.size() > 300 || text.find_first_of("eE") != std::string::npos;
  fuzz::Require(is_json ? opened > kMaxJsonDepth : may_be_huge);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const auto dialect = static_cast<Dialect>(input.Take<uint8_t>() % 6);
  const auto seconds = input.Take<double>();
  const auto tokens = input.Take<double>();
  const auto cached = input.Take<uint32_t>();
  std::string texts[5];
  for (std::string& text : texts) {
    text.resize(input.Take<uint16_t>() % 512U);
    input.Read(text.data(), text.size());
    if (!IsValidUtf8(text)) return 0;
    CheckJson(text);
  }
  BatchBuilder batch;
  const uint32_t operation = batch.Key("gen_ai.operation.name");
  const uint32_t instructions = batch.Key("gen_ai.system_instructions");
  const uint32_t in = batch.Key("gen_ai.input.messages");
  const uint32_t out = batch.Key("gen_ai.output.messages");
  const uint32_t tools = batch.Key("gen_ai.tool.definitions");
  const uint32_t stop = batch.Key("gen_ai.request.stop_sequences");
  const uint32_t first_chunk = batch.Key("gen_ai.response.time_to_first_chunk");
  const uint32_t input_tokens = batch.Key("gen_ai.usage.input_tokens");
  const uint32_t cache_read = batch.Key("gen_ai.usage.cache_read.input_tokens");
  batch.Head().Words({1}).Span("chat").Words({9}).TextValue(operation, "chat").TextValue(instructions, texts[0]);
  batch.TextValue(in, texts[1]).TextValue(out, texts[2]).TextValue(tools, texts[3]);
  batch.Value(stop, ValueKind::kList).Words({2}).TextValue(0, texts[4]).TextValue(0, "end");
  batch.Value(first_chunk, ValueKind::kDouble).Number(seconds).Value(input_tokens, ValueKind::kDouble).Number(tokens);
  batch.Value(cache_read, ValueKind::kInt32).Words({cached, 0, 0});
  const std::vector<uint64_t> bytes = batch.Bytes();
  ByteWriter writer;
  BatchReader json_reader(reinterpret_cast<const char*>(bytes.data()), batch.Sizes());
  const Encoded json = EncodeTraces(json_reader, Format::kJson, dialect, writer);
  fuzz::Require(json.error == Error::kOk);
  const std::string written(writer.view().substr(json.start, json.size));
  const Json request = Json::parse(written, nullptr, false);
  fuzz::Require(!request.is_discarded());
  BatchReader reader(reinterpret_cast<const char*>(bytes.data()), batch.Sizes());
  const Encoded protobuf = EncodeTraces(reader, Format::kProtobuf, dialect, writer);
  fuzz::Require(request == ReadMessage("TraceRequest", writer.view().substr(protobuf.start, protobuf.size)));
  for (const Json& attribute : request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]) {
    const std::string key = attribute["key"];
    if (key == "gen_ai.input.messages") fuzz::Require(attribute["value"]["stringValue"] == texts[1]);
    // What the mapper writes as JSON is JSON.
    const bool is_object = key == "llm.invocation_parameters" || key == "langfuse.observation.usage_details";
    if (is_object) fuzz::Require(IsJson(std::string(attribute["value"]["stringValue"])));
  }
  return 0;
}

// Spans of a model call with any texts as messages, instructions and tools, in each dialect: both formats say the same,
// and JSON is told from other texts as another reader tells it.
#include <string>

#include "../native/otlp/batch_builder.h"
#include "base/json_reader.h"
#include "base/utf8.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isotel;
  using namespace isotel::otlp;
  fuzz::Input input(data, size);
  const auto dialect = static_cast<Dialect>(input.Take<uint8_t>() % 6);
  std::string texts[4];
  for (std::string& text : texts) {
    text.resize(input.Take<uint16_t>() % 512U);
    input.Read(text.data(), text.size());
    if (!IsValidUtf8(text)) return 0;
    const bool is_json = !Json::parse(text, nullptr, false).is_discarded();
    // The other reader has no limit of depth.
    if (IsJson(text)) fuzz::Require(is_json);
  }
  BatchBuilder batch;
  const uint32_t operation = batch.Key("gen_ai.operation.name");
  const uint32_t instructions = batch.Key("gen_ai.system_instructions");
  const uint32_t in = batch.Key("gen_ai.input.messages");
  const uint32_t out = batch.Key("gen_ai.output.messages");
  const uint32_t tools = batch.Key("gen_ai.tool.definitions");
  batch.Head().Words({1}).Span("chat").Words({5}).TextValue(operation, "chat").TextValue(instructions, texts[0]);
  batch.TextValue(in, texts[1]).TextValue(out, texts[2]).TextValue(tools, texts[3]).Words({0, 0});
  const std::vector<uint64_t> bytes = batch.Bytes();
  ByteWriter writer;
  BatchReader json_reader(reinterpret_cast<const char*>(bytes.data()), batch.Sizes());
  const Encoded json = EncodeTraces(json_reader, Format::kJson, dialect, writer);
  fuzz::Require(json.error == Error::kOk);
  const Json written = Json::parse(writer.view().substr(json.start, json.size), nullptr, false);
  fuzz::Require(!written.is_discarded());
  BatchReader reader(reinterpret_cast<const char*>(bytes.data()), batch.Sizes());
  const Encoded protobuf = EncodeTraces(reader, Format::kProtobuf, dialect, writer);
  fuzz::Require(written == ReadMessage("TraceRequest", writer.view().substr(protobuf.start, protobuf.size)));
  return 0;
}

// Batches of any content: encoding ends with an answer, and both formats say the same.
#include <cstdlib>
#include <vector>

#include "../native/otlp/otlp_reader.h"
#include "base/utf8.h"
#include "fuzz_input.h"
#include "otlp/requests.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isotel;
  using namespace isotel::otlp;
  fuzz::Input input(data, size);
  const bool is_traces = input.Take<uint8_t>() % 2 == 0;
  BatchSizes sizes{.numbers = input.Take<uint8_t>() % 32U,
                   .keys = input.Take<uint8_t>() % 4U,
                   .words = input.Take<uint8_t>(),
                   .text_bytes = input.Take<uint16_t>() % 512U,
                   .text_units = 0,
                   .raw_bytes = input.Take<uint8_t>() % 16U};
  sizes.text_units = sizes.text_bytes - (input.Take<uint8_t>() % 2 == 0 ? 0 : input.Take<uint8_t>() % 16U);
  // Small numbers, as words mostly are, so that an input is often a whole batch.
  std::vector<uint64_t> bytes((sizes.Total() + otlp::BatchReader::kSlackBytes + 7) / 8);
  char* at = reinterpret_cast<char*>(bytes.data());
  input.Read(at, sizes.numbers * size_t{8});
  at += sizes.numbers * size_t{8};
  for (uint32_t i = 0; i < sizes.keys + sizes.words; ++i, at += 4) {
    const uint32_t word = input.Take<uint8_t>();
    const uint32_t flags = word < 250 ? 0 : input.Take<uint32_t>();
    const uint32_t value = word | flags;
    std::memcpy(at, &value, 4);
  }
  input.Read(at, sizes.text_bytes);
  const std::string_view text(at, sizes.text_bytes);
  input.Read(at + sizes.text_bytes, sizes.raw_bytes);

  constexpr uint32_t kDialects = static_cast<uint32_t>(Dialect::kSentry) + 1;
  const auto dialect = static_cast<Dialect>(input.Take<uint8_t>() % kDialects);
  const auto encode = [&](BatchReader& in, Format format, ByteWriter& to) {
    return is_traces ? EncodeTraces(in, format, dialect, to) : EncodeLogs(in, format, to);
  };
  const char* const name = is_traces ? "TraceRequest" : "LogsRequest";
  ByteWriter out;
  BatchReader protobuf_reader(reinterpret_cast<const char*>(bytes.data()), sizes);
  const Encoded protobuf = encode(protobuf_reader, Format::kProtobuf, out);
  const std::string message(out.view().substr(protobuf.start, protobuf.size));
  BatchReader json_reader(reinterpret_cast<const char*>(bytes.data()), sizes);
  const Encoded json = encode(json_reader, Format::kJson, out);
  fuzz::Require(protobuf.error == json.error && protobuf.skipped == json.skipped);
  if (protobuf.error != Error::kOk) return 0;
  // A host writes UTF-8; what it cuts are characters.
  if (!IsValidUtf8(text) || sizes.text_units != sizes.text_bytes) return 0;
  Json written = Json::parse(out.view().substr(json.start, json.size), nullptr, false);
  if (written.is_discarded()) {
    // Texts that were cut inside a character.
    for (const char c : text) {
      if (static_cast<uint8_t>(c) >= 0x80) return 0;
    }
    std::abort();
  }
  // JSON has a list without spans, protobuf none.
  Json& scope = written.begin().value()[0].at(is_traces ? "scopeSpans" : "scopeLogs")[0];
  const char* const items = is_traces ? "spans" : "logRecords";
  if (scope.at(items).empty()) scope.erase(items);
  for (Json& item : scope.contains(items) ? scope[items] : scope["none"]) {
    if (item.contains("links") && item["links"].empty()) item.erase("links");
  }
  scope.erase("none");
  fuzz::Require(written == ReadMessage(name, message));
  return 0;
}

#include "otlp/json_sink.h"
#include "otlp/protobuf_sink.h"
#include "otlp/request_encoder.h"
#include "otlp/span_identity.h"

namespace isotel::otlp {
namespace {

constexpr Signal kLogs{"resourceLogs", "scopeLogs", {2, "logRecords"}};

namespace record {
constexpr Field kTime{1, "timeUnixNano"};
constexpr Field kSeverityNumber{2, "severityNumber"};
constexpr Field kSeverityText{3, "severityText"};
constexpr Field kBody{5, "body"};
constexpr Field kAttributes{6, "attributes"};
constexpr Field kDroppedAttributes{7, "droppedAttributesCount"};
constexpr Field kFlags{8, "flags"};
constexpr Field kTraceId{9, "traceId"};
constexpr Field kSpanId{10, "spanId"};
constexpr Field kObservedTime{11, "observedTimeUnixNano"};
constexpr Field kEventName{12, "eventName"};
}  // namespace record

// Bits of the first word of a record, above trace flags and severity number.
constexpr uint32_t kHasTrace = 1U << 24;
constexpr uint32_t kHasSpan = 1U << 25;

template <typename Sink>
class LogEncoder {
 public:
  LogEncoder(BatchReader& in, Sink& out, ValueEncoder<Sink>& values) : in_(in), out_(out), values_(values) {}

  void Records() {
    for (uint32_t left = in_.Word(); left > 0 && values_.GoesOn(); --left) Record();
  }

 private:
  void Record() {
    const uint32_t word = in_.Word();
    const uint32_t severity_text = in_.Word();
    const uint32_t event_name = in_.Word();
    const uint32_t dropped = in_.Word();
    const auto mark = out_.BeginElement(kLogs.items, length_bytes_);
    out_.Fixed64(record::kTime, ToUnixNano(in_.Number()));
    out_.Fixed64(record::kObservedTime, ToUnixNano(in_.Number()));
    out_.Uint(record::kSeverityNumber, word >> 8 & 0xFF);
    Identifiers(word);
    out_.Text(record::kSeverityText, in_.Text(severity_text));
    out_.Text(record::kEventName, in_.Text(event_name));
    values_.Attributes(record::kAttributes);
    out_.Uint(record::kDroppedAttributes, dropped);
    values_.Value(record::kBody);
    out_.Fixed32(record::kFlags, word & 0xFF);
    length_bytes_ = out_.End(mark);
  }

  void Identifiers(uint32_t word) {
    TraceId trace_id;
    SpanId span_id;
    if ((word & kHasTrace) != 0 && ReadId(in_.Text(2 * trace_id.size()), trace_id)) {
      out_.Id(record::kTraceId, ViewOf(trace_id));
    }
    if ((word & kHasSpan) != 0 && ReadId(in_.Text(2 * span_id.size()), span_id)) {
      out_.Id(record::kSpanId, ViewOf(span_id));
    }
  }

  BatchReader& in_;
  Sink& out_;
  ValueEncoder<Sink>& values_;
  uint32_t length_bytes_ = 2;
};

template <typename Sink>
Encoded Encode(BatchReader& in, ByteWriter& writer) {
  Sink out(writer);
  return EncodeRequest(in, out, writer, kLogs,
                       [&](ValueEncoder<Sink>& values) { LogEncoder<Sink>(in, out, values).Records(); });
}

}  // namespace

Encoded EncodeLogs(BatchReader& in, Format format, ByteWriter& out) {
  return format == Format::kJson ? Encode<JsonSink>(in, out) : Encode<ProtobufSink>(in, out);
}

}  // namespace isotel::otlp

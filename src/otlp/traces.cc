#include <optional>

#include "otlp/dialect.h"
#include "otlp/json_sink.h"
#include "otlp/protobuf_sink.h"
#include "otlp/request_encoder.h"
#include "otlp/span_fields.h"
#include "otlp/span_identity.h"

namespace isotel::otlp {
namespace {

constexpr Signal kTraces{"resourceSpans", "scopeSpans", {2, "spans"}};

namespace event {
constexpr Field kTime{1, "timeUnixNano"};
constexpr Field kName{2, "name"};
constexpr Field kAttributes{3, "attributes"};
constexpr Field kDroppedAttributes{4, "droppedAttributesCount"};
}  // namespace event

namespace link {
constexpr Field kTraceId{1, "traceId"};
constexpr Field kSpanId{2, "spanId"};
constexpr Field kTraceState{3, "traceState"};
constexpr Field kAttributes{4, "attributes"};
constexpr Field kDroppedAttributes{5, "droppedAttributesCount"};
constexpr Field kFlags{6, "flags"};
}  // namespace link

namespace status {
constexpr Field kMessage{2, "message"};
constexpr Field kCode{3, "code"};
}  // namespace status

// Bits of the first word of a span, above trace flags, kind and status code, and of a link, above trace flags.
constexpr uint32_t kSameTrace = 1U << 24;
constexpr uint32_t kHasParent = 1U << 25;
constexpr uint32_t kKnowsRemote = 1U << 26;
constexpr uint32_t kIsRemote = 1U << 27;
constexpr uint32_t kSameName = 1U << 28;

constexpr uint32_t kTraceDigits = 32;
constexpr uint32_t kSpanDigits = 16;

// Returns the flags of OTLP: the trace flags and whether the parent is remote.
uint32_t FlagsOf(uint32_t word) {
  constexpr uint32_t kHasIsRemote = 0x100;
  constexpr uint32_t kRemote = 0x200;
  uint32_t flags = word & 0xFF;
  if ((word & kKnowsRemote) != 0) flags |= kHasIsRemote | ((word & kIsRemote) != 0 ? kRemote : 0);
  return flags;
}

template <typename Sink>
class TraceEncoder final : public AttributeWriter {
 public:
  TraceEncoder(BatchReader& in, Sink& out, ValueEncoder<Sink>& values, Dialect dialect)
      : in_(in), out_(out), values_(values) {
    if (dialect != Dialect::kNone) mapper_.emplace(dialect, in, values.keys(), *this);
  }

  void Spans() {
    SwapKeys();
    for (uint32_t left = in_.Word(); left > 0 && values_.GoesOn(); --left) Span();
  }

  [[nodiscard]] uint32_t skipped() const { return skipped_; }

 private:
  void Span() {
    const uint32_t word = in_.Word();
    const uint32_t name = in_.Word();
    const uint32_t trace_state = in_.Word();
    const uint32_t message = in_.Word();
    const uint32_t dropped_attributes = in_.Word();
    const uint32_t dropped_events = in_.Word();
    uint32_t dropped_links = in_.Word();
    const uint64_t start = ToUnixNano(in_.Number());
    const uint64_t end = ToUnixNano(in_.Number());

    const auto mark = out_.BeginElement(kTraces.items, length_bytes_);
    if ((word & kSameTrace) == 0) has_trace_ = ReadId(in_.Text(kTraceDigits), trace_id_);
    SpanId id;
    const bool is_valid = ReadId(in_.Text(kSpanDigits), id) && has_trace_;
    SpanId parent;
    const bool has_parent = (word & kHasParent) != 0 && ReadId(in_.Text(kSpanDigits), parent);
    if ((word & kSameName) == 0) name_ = in_.Text(name);
    out_.Head({.trace_id = ViewOf(trace_id_),
               .span_id = ViewOf(id),
               .parent_span_id = has_parent ? ViewOf(parent) : std::string_view(),
               .trace_state = in_.Text(trace_state),
               .name = name_,
               .kind = word >> 8 & 0xFF,
               .start_unix_nano = start,
               .end_unix_nano = end < start ? start : end});
    const std::string_view status_message = in_.Text(message);
    if (mapper_.has_value()) {
      values_.SpanAttributes(span::kAttributes, *mapper_, start);
    } else {
      values_.Attributes(span::kAttributes);
    }
    out_.Uint(span::kDroppedAttributes, dropped_attributes);
    Events();
    out_.Uint(span::kDroppedEvents, dropped_events);
    dropped_links += Links();
    out_.Uint(span::kDroppedLinks, dropped_links);
    Status(word >> 16 & 0xFF, status_message);
    out_.Fixed32(span::kFlags, FlagsOf(word));
    if (is_valid) {
      length_bytes_ = out_.End(mark);
    } else {
      out_.Drop(mark);
      ++skipped_;
    }
  }

  // Only attributes of spans have other names in a dialect.
  void SwapKeys() {
    if (mapper_.has_value()) mapper_->SwapKeys();
  }

  void EncodeKey(std::string_view key, ByteWriter& to) override { Sink::EncodeKey(key, to); }
  void Write(std::string_view key, const Captured& value) override {
    WriteAttribute(out_, span::kAttributes, key, value);
  }

  void Events() {
    const uint32_t count = in_.Word();
    if (count == 0) return;
    SwapKeys();
    out_.OpenList(span::kEvents);
    for (uint32_t i = 0; i < count && values_.GoesOn(); ++i) {
      const uint32_t name = in_.Word();
      const uint32_t dropped = in_.Word();
      const auto mark = out_.BeginElement(span::kEvents);
      out_.Fixed64(event::kTime, ToUnixNano(in_.Number()));
      out_.Text(event::kName, in_.Text(name));
      values_.Attributes(event::kAttributes);
      out_.Uint(event::kDroppedAttributes, dropped);
      out_.End(mark);
    }
    out_.CloseList();
    SwapKeys();
  }

  // Returns how many links were left out for invalid identifiers.
  uint32_t Links() {
    const uint32_t count = in_.Word();
    if (count == 0) return 0;
    uint32_t dropped_links = 0;
    SwapKeys();
    out_.OpenList(span::kLinks);
    for (uint32_t i = 0; i < count && values_.GoesOn(); ++i) {
      const uint32_t word = in_.Word();
      const uint32_t trace_state = in_.Word();
      const uint32_t dropped = in_.Word();
      TraceId trace_id;
      SpanId span_id;
      const bool has_trace = ReadId(in_.Text(kTraceDigits), trace_id);
      const bool has_span = ReadId(in_.Text(kSpanDigits), span_id);
      const auto mark = out_.BeginElement(span::kLinks);
      out_.Id(link::kTraceId, ViewOf(trace_id));
      out_.Id(link::kSpanId, ViewOf(span_id));
      out_.Text(link::kTraceState, in_.Text(trace_state));
      values_.Attributes(link::kAttributes);
      out_.Uint(link::kDroppedAttributes, dropped);
      out_.Fixed32(link::kFlags, FlagsOf(word));
      if (has_trace && has_span) {
        out_.End(mark);
      } else {
        out_.Drop(mark);
        ++dropped_links;
      }
    }
    out_.CloseList();
    SwapKeys();
    return dropped_links;
  }

  void Status(uint32_t code, std::string_view message) {
    if (code == 0 && message.empty()) return;
    const auto mark = out_.Begin(span::kStatus);
    out_.Text(status::kMessage, message);
    out_.Uint(status::kCode, code);
    out_.End(mark);
  }

  BatchReader& in_;
  Sink& out_;
  ValueEncoder<Sink>& values_;
  std::optional<DialectMapper> mapper_;
  TraceId trace_id_{};
  bool has_trace_ = false;
  std::string_view name_;
  uint32_t length_bytes_ = 2;
  uint32_t skipped_ = 0;
};

template <typename Sink>
Encoded Encode(BatchReader& in, Dialect dialect, ByteWriter& writer) {
  Sink out(writer);
  uint32_t skipped = 0;
  Encoded encoded = EncodeRequest(in, out, writer, kTraces, [&](ValueEncoder<Sink>& values) {
    TraceEncoder<Sink> traces(in, out, values, dialect);
    traces.Spans();
    skipped = traces.skipped();
  });
  encoded.skipped = skipped;
  return encoded;
}

}  // namespace

Encoded EncodeTraces(BatchReader& in, Format format, Dialect dialect, ByteWriter& out) {
  return format == Format::kJson ? Encode<JsonSink>(in, dialect, out) : Encode<ProtobufSink>(in, dialect, out);
}

}  // namespace isotel::otlp

#include "otlp/json_sink.h"

#include "base/json_text.h"
#include "base/number_text.h"

namespace isotel::otlp {

void JsonSink::BeginRequest(const Signal& signal) {
  out_.Raw("{\"");
  out_.Raw(signal.resources);
  out_.Raw("\":[{\"resource\":{");
  signal_ = &signal;
}

void JsonSink::BeginScope() {
  out_.Raw("},\"");
  out_.Raw(signal_->scopes);
  out_.Raw("\":[{\"scope\":{");
}

void JsonSink::BeginItems() {
  out_.Raw("},\"");
  out_.Raw(signal_->items.json);
  out_.Raw("\":[");
}

size_t JsonSink::EndRequest() {
  out_.Raw("]}]}]}");
  return 0;
}

void JsonSink::EncodeKey(std::string_view key, ByteWriter& to) {
  to.Raw("{\"key\":\"");
  // A key above the limit is not an error here. Its first use marks the request as full.
  (void)WriteEscaped(key, kMaxOtlpBytes, to);
  to.Raw("\",\"value\":{");
}

void JsonSink::OpenList(Field field) {
  Name(field);
  out_.Byte('[');
}

JsonSink::Mark JsonSink::Begin(Field field, uint32_t /*length_bytes*/) {
  const Mark mark{out_.size()};
  if (!Fits(0)) return mark;
  Name(field);
  out_.Byte('{');
  return mark;
}

JsonSink::Mark JsonSink::BeginElement(Field /*field*/, uint32_t /*length_bytes*/) {
  const Mark mark{out_.size()};
  if (!Fits(0)) return mark;
  Separate();
  out_.Byte('{');
  return mark;
}

void JsonSink::Id(Field field, std::string_view bytes) {
  if (bytes.empty()) return;
  Name(field);
  out_.Byte('"');
  WriteHex(bytes, out_);
  out_.Byte('"');
}

void JsonSink::Sint(Field field, int64_t value) {
  if (value == 0) return;
  Name(field);
  char* const at = out_.Reserve(kMaxNumberBytes);
  out_.Advance(static_cast<size_t>(isotel::WriteInt(value, at) - at));
}

void JsonSink::DoubleValue(Field field, double value) {
  Name(field);
  WriteDouble(value);
}

void JsonSink::PackedDouble(Field field, std::span<const double> values) {
  if (values.empty() || !Fits(kMaxNumberBytes * values.size())) return;
  OpenList(field);
  for (const double value : values) {
    Separate();
    WriteDouble(value);
  }
  CloseList();
}

void JsonSink::PackedUint(Field field, std::span<const uint64_t> values) {
  if (values.empty() || !Fits(kMaxNumberBytes * values.size())) return;
  OpenList(field);
  for (const uint64_t value : values) {
    Separate();
    out_.Byte('"');
    WriteUint(value);
    out_.Byte('"');
  }
  CloseList();
}

void JsonSink::Head(const SpanHead& head) {
  Id(span::kTraceId, head.trace_id);
  Id(span::kSpanId, head.span_id);
  Id(span::kParentSpanId, head.parent_span_id);
  Text(span::kTraceState, head.trace_state);
  Text(span::kName, head.name);
  Uint(span::kKind, head.kind);
  Fixed64(span::kStartTime, head.start_unix_nano);
  Fixed64(span::kEndTime, head.end_unix_nano);
}

void JsonSink::TextAttribute(Field /*field*/, std::string_view key, std::string_view text) {
  if (!StartAttribute(key, text.size())) return;
  out_.Raw("\"stringValue\":");
  Quoted(text);
  EndAttribute({});
}

void JsonSink::BoolAttribute(Field /*field*/, std::string_view key, bool value) {
  if (!StartAttribute(key, 0)) return;
  BoolValue(kBoolValue, value);
  EndAttribute({});
}

void JsonSink::IntAttribute(Field /*field*/, std::string_view key, int64_t value) {
  if (!StartAttribute(key, 0)) return;
  IntValue(kIntValue, value);
  EndAttribute({});
}

void JsonSink::DoubleAttribute(Field /*field*/, std::string_view key, double value) {
  if (!StartAttribute(key, 0)) return;
  DoubleValue(kDoubleValue, value);
  EndAttribute({});
}

JsonSink::AttributeMark JsonSink::BeginAttribute(Field /*field*/, std::string_view key) {
  (void)StartAttribute(key, 0);
  return {};
}

bool JsonSink::StartAttribute(std::string_view key, size_t bytes) {
  if (!Fits(key.size() + bytes)) return false;
  Separate();
  out_.Raw(key);
  return true;
}

void JsonSink::TextValue(Field field, std::string_view text) {
  if (!Fits(text.size())) return;
  Name(field);
  Quoted(text);
}

void JsonSink::BytesValue(Field field, std::string_view bytes) {
  if (!Fits(bytes.size() / 3 * 4 + 4)) return;
  Name(field);
  out_.Byte('"');
  WriteBase64(bytes, out_);
  out_.Byte('"');
}

void JsonSink::BoolValue(Field field, bool value) {
  Name(field);
  out_.Raw(value ? "true" : "false");
}

void JsonSink::IntValue(Field field, int64_t value) {
  Name(field);
  char* const start = out_.Reserve(kMaxNumberBytes + 2);
  char* at = start;
  *at++ = '"';
  at = isotel::WriteInt(value, at);
  *at++ = '"';
  out_.Advance(static_cast<size_t>(at - start));
}

void JsonSink::Separate() {
  const char last = out_.data()[out_.size() - 1];
  if (last != '{' && last != '[') out_.Byte(',');
}

void JsonSink::Name(Field field) {
  Separate();
  char* const at = out_.Reserve(field.json.size() + 3);
  at[0] = '"';
  CopyBytes(at + 1, field.json.data(), field.json.size());
  at[field.json.size() + 1] = '"';
  at[field.json.size() + 2] = ':';
  out_.Advance(field.json.size() + 3);
}

void JsonSink::Number(Field field, uint64_t value) {
  Name(field);
  WriteUint(value);
}

void JsonSink::QuotedUint(Field field, uint64_t value) {
  Name(field);
  out_.Byte('"');
  WriteUint(value);
  out_.Byte('"');
}

void JsonSink::Quoted(std::string_view text) {
  out_.Byte('"');
  if (!WriteEscaped(text, kMaxOtlpBytes - out_.size(), out_)) full_ = true;
  out_.Byte('"');
}

void JsonSink::WriteUint(uint64_t value) {
  char* const at = out_.Reserve(kMaxNumberBytes);
  out_.Advance(static_cast<size_t>(isotel::WriteUint(value, at) - at));
}

void JsonSink::WriteDouble(double value) {
  if (value - value != 0) {
    out_.Raw(value != value ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    return;
  }
  // Some parsers read -0 as an integer and lose the sign.
  if (value == 0 && BitsOf(value) != 0) return out_.Raw("-0.0");
  char* const at = out_.Reserve(kMaxNumberBytes);
  out_.Advance(static_cast<size_t>(isotel::WriteDouble(value, NumberStyle::kShort, at) - at));
}

}  // namespace isotel::otlp

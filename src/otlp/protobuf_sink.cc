#include "otlp/protobuf_sink.h"

#include <cstring>

#include "base/protobuf_writer.h"

namespace isotel::otlp {
namespace {

char* WriteBytes(char* at, std::string_view bytes) {
  CopyBytes(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

// Writes a field of bytes that ends at `at`. Returns where it starts.
char* WriteBytesBefore(char* at, uint32_t field, std::string_view bytes) {
  at -= bytes.size();
  CopyBytes(at, bytes.data(), bytes.size());
  at -= VarintBytes(bytes.size());
  WriteVarint(at, bytes.size());
  *--at = ShortTag(field, WireType::kLength);
  return at;
}

}  // namespace

// The lengths of the messages around the items are known only at the end. BeginItems() reserves room for the head, and
// EndRequest() writes it there. Unused room stays in front of the request.
void ProtobufSink::BeginItems() {
  if (full_) return;
  scope_bytes_ = out_.size() - resource_bytes_;
  constexpr size_t kHeaders = 24;
  const size_t room = resource_bytes_ + scope_bytes_ + kHeaders;
  out_.Reserve(room);
  out_.Advance(room);
  items_at_ = out_.size();
}

size_t ProtobufSink::EndRequest() {
  if (full_) return 0;
  char* const start = out_.data();
  char* at = start + items_at_;
  const char* const end = start + out_.size();
  const auto prefix = [&](uint32_t field) {
    const auto size = static_cast<size_t>(end - at);
    at -= VarintBytes(size);
    WriteVarint(at, size);
    *--at = ShortTag(field, WireType::kLength);
  };
  at = WriteBytesBefore(at, kScope.number, {start + resource_bytes_, scope_bytes_});
  prefix(2);
  at = WriteBytesBefore(at, kResource.number, {start, resource_bytes_});
  prefix(1);
  return static_cast<size_t>(at - start);
}

void ProtobufSink::Head(const SpanHead& head) {
  // Maximum bytes of tags, lengths, identifiers, kind and times.
  constexpr size_t kMostBytes = 96;
  if (!Fits(kMostBytes + head.trace_state.size() + head.name.size())) return;
  char* const start = out_.Reserve(kMostBytes + head.trace_state.size() + head.name.size());
  char* at = start;
  const auto bytes = [&](Field field, std::string_view value) {
    if (value.empty()) return;
    *at++ = ShortTag(field.number, WireType::kLength);
    at = WriteBytes(WriteVarint(at, value.size()), value);
  };
  const auto time = [&](Field field, uint64_t unix_nano) {
    if (unix_nano == 0) return;
    *at++ = ShortTag(field.number, WireType::kFixed64);
    std::memcpy(at, &unix_nano, sizeof unix_nano);
    at += sizeof unix_nano;
  };
  bytes(span::kTraceId, head.trace_id);
  bytes(span::kSpanId, head.span_id);
  bytes(span::kTraceState, head.trace_state);
  bytes(span::kParentSpanId, head.parent_span_id);
  bytes(span::kName, head.name);
  if (head.kind != 0) {
    *at++ = ShortTag(span::kKind.number, WireType::kVarint);
    at = WriteVarint(at, head.kind);
  }
  time(span::kStartTime, head.start_unix_nano);
  time(span::kEndTime, head.end_unix_nano);
  out_.Advance(static_cast<size_t>(at - start));
}

void ProtobufSink::PackedFixed64(Field field, std::span<const uint64_t> values) {
  if (values.empty()) return;
  TextValue(field, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

void ProtobufSink::PackedDouble(Field field, std::span<const double> values) {
  if (values.empty()) return;
  TextValue(field, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

void ProtobufSink::PackedUint(Field field, std::span<const uint64_t> values) {
  if (values.empty() || !Fits(10 * values.size())) return;
  const Mark mark = Begin(field);
  for (const uint64_t value : values) out_.Varint(value);
  (void)End(mark);
}

char* ProtobufSink::Attribute(Field field, std::string_view key, size_t value_bytes) {
  const size_t size = key.size() + 1 + VarintBytes(value_bytes) + value_bytes;
  char* const start = out_.Reserve(size + 8);
  char* at = start;
  *at++ = ShortTag(field.number, WireType::kLength);
  at = WriteBytes(WriteVarint(at, size), key);
  *at++ = ShortTag(2, WireType::kLength);
  at = WriteVarint(at, value_bytes);
  out_.Advance(static_cast<size_t>(at - start) + value_bytes);
  return at;
}

void ProtobufSink::TextAttribute(Field field, std::string_view key, std::string_view text) {
  if (!Fits(key.size() + text.size())) return;
  char* at = Attribute(field, key, 1 + VarintBytes(text.size()) + text.size());
  *at = ShortTag(kStringValue.number, WireType::kLength);
  WriteBytes(WriteVarint(at + 1, text.size()), text);
}

void ProtobufSink::BoolAttribute(Field field, std::string_view key, bool value) {
  if (!Fits(key.size())) return;
  char* const at = Attribute(field, key, 2);
  at[0] = ShortTag(kBoolValue.number, WireType::kVarint);
  at[1] = value ? 1 : 0;
}

void ProtobufSink::IntAttribute(Field field, std::string_view key, int64_t value) {
  if (!Fits(key.size())) return;
  char* const at = Attribute(field, key, 1 + VarintBytes(static_cast<uint64_t>(value)));
  *at = ShortTag(kIntValue.number, WireType::kVarint);
  WriteVarint(at + 1, static_cast<uint64_t>(value));
}

void ProtobufSink::DoubleAttribute(Field field, std::string_view key, double value) {
  if (!Fits(key.size())) return;
  char* const at = Attribute(field, key, 9);
  *at = ShortTag(kDoubleValue.number, WireType::kFixed64);
  std::memcpy(at + 1, &value, sizeof value);
}

ProtobufSink::AttributeMark ProtobufSink::BeginAttribute(Field field, std::string_view key) {
  if (!Fits(key.size())) return {};
  const Mark attribute = Begin(field);
  out_.Raw(key);
  return {attribute, Begin({2, {}})};
}

}  // namespace isotel::otlp

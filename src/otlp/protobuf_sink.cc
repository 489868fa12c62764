#include "otlp/protobuf_sink.h"

#include <cstring>

#include "otlp/protobuf_wire.h"

namespace isotel::otlp {
namespace {

char* WriteBytes(char* at, std::string_view bytes) {
  metrics::CopyBytes(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

// A field of bytes that ends where `at` points; where it starts.
char* WriteBytesBefore(char* at, uint32_t field, std::string_view bytes) {
  at -= bytes.size();
  metrics::CopyBytes(at, bytes.data(), bytes.size());
  at -= VarintBytes(bytes.size());
  WriteVarint(at, bytes.size());
  *--at = Tag(field, kLength);
  return at;
}

}  // namespace

// The parts around the items are known last: room is kept for them, and what is left of it stays unused in front.
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
    *--at = Tag(field, kLength);
  };
  at = WriteBytesBefore(at, kScope.number, {start + resource_bytes_, scope_bytes_});
  prefix(2);
  at = WriteBytesBefore(at, kResource.number, {start, resource_bytes_});
  prefix(1);
  return static_cast<size_t>(at - start);
}

ProtobufSink::Mark ProtobufSink::Begin(Field field, uint32_t length_bytes) {
  if (!Fits(16)) return {};
  char* const at = out_.Reserve(1 + length_bytes);
  *at = Tag(field.number, kLength);
  out_.Advance(1 + length_bytes);
  return {out_.size(), length_bytes};
}

uint32_t ProtobufSink::End(Mark mark) {
  if (full_) return mark.length_bytes;
  const size_t size = out_.size() - mark.start;
  const auto needed = static_cast<uint32_t>(VarintBytes(size));
  const size_t moved = mark.start - mark.length_bytes + needed;
  if (needed != mark.length_bytes) {
    out_.Reserve(needed);
    std::memmove(out_.data() + moved, out_.data() + mark.start, size);
    out_.Truncate(moved + size);
  }
  WriteVarint(out_.data() + moved - needed, size);
  return needed;
}

void ProtobufSink::Uint(Field field, uint64_t value) {
  if (value == 0) return;
  char* const start = out_.Reserve(12);
  *start = Tag(field.number, kVarint);
  out_.Advance(static_cast<size_t>(WriteVarint(start + 1, value) - start));
}

void ProtobufSink::Sint(Field field, int64_t value) {
  Uint(field, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}

void ProtobufSink::Fixed32(Field field, uint32_t value) {
  if (value == 0) return;
  char* const start = out_.Reserve(8);
  // The one field past 15 is one of these: its tag takes two bytes.
  char* const at = WriteVarint(start, field.number << 3 | kFixed32);
  std::memcpy(at, &value, sizeof value);
  out_.Advance(static_cast<size_t>(at - start) + sizeof value);
}

void ProtobufSink::Fixed64(Field field, uint64_t value) {
  if (value != 0) Fixed64Value(field, value);
}

void ProtobufSink::Fixed64Value(Field field, uint64_t value) {
  char* const at = out_.Reserve(9);
  *at = Tag(field.number, kFixed64);
  std::memcpy(at + 1, &value, sizeof value);
  out_.Advance(9);
}

void ProtobufSink::Head(const SpanHead& head) {
  // Tags, lengths, identifiers, kind and times.
  constexpr size_t kMostBytes = 96;
  if (!Fits(kMostBytes + head.trace_state.size() + head.name.size())) return;
  char* const start = out_.Reserve(kMostBytes + head.trace_state.size() + head.name.size());
  char* at = start;
  const auto bytes = [&](Field field, std::string_view value) {
    if (value.empty()) return;
    *at++ = Tag(field.number, kLength);
    at = WriteBytes(WriteVarint(at, value.size()), value);
  };
  const auto time = [&](Field field, uint64_t unix_nano) {
    if (unix_nano == 0) return;
    *at++ = Tag(field.number, kFixed64);
    std::memcpy(at, &unix_nano, sizeof unix_nano);
    at += sizeof unix_nano;
  };
  bytes(span::kTraceId, head.trace_id);
  bytes(span::kSpanId, head.span_id);
  bytes(span::kTraceState, head.trace_state);
  bytes(span::kParentSpanId, head.parent_span_id);
  bytes(span::kName, head.name);
  if (head.kind != 0) {
    *at++ = Tag(span::kKind.number, kVarint);
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

void ProtobufSink::TextValue(Field field, std::string_view text) {
  if (!Fits(text.size())) return;
  char* const start = out_.Reserve(text.size() + 8);
  *start = Tag(field.number, kLength);
  char* const at = WriteBytes(WriteVarint(start + 1, text.size()), text);
  out_.Advance(static_cast<size_t>(at - start));
}

void ProtobufSink::BoolValue(Field field, bool value) {
  char* const at = out_.Reserve(2);
  at[0] = Tag(field.number, kVarint);
  at[1] = value ? 1 : 0;
  out_.Advance(2);
}

void ProtobufSink::IntValue(Field field, int64_t value) {
  char* const start = out_.Reserve(12);
  *start = Tag(field.number, kVarint);
  out_.Advance(static_cast<size_t>(WriteVarint(start + 1, static_cast<uint64_t>(value)) - start));
}

char* ProtobufSink::Attribute(Field field, std::string_view key, size_t value_bytes) {
  const size_t size = key.size() + 1 + VarintBytes(value_bytes) + value_bytes;
  char* const start = out_.Reserve(size + 8);
  char* at = start;
  *at++ = Tag(field.number, kLength);
  at = WriteBytes(WriteVarint(at, size), key);
  *at++ = Tag(2, kLength);
  at = WriteVarint(at, value_bytes);
  out_.Advance(static_cast<size_t>(at - start) + value_bytes);
  return at;
}

void ProtobufSink::TextAttribute(Field field, std::string_view key, std::string_view text) {
  if (!Fits(key.size() + text.size())) return;
  char* at = Attribute(field, key, 1 + VarintBytes(text.size()) + text.size());
  *at = Tag(kStringValue.number, kLength);
  WriteBytes(WriteVarint(at + 1, text.size()), text);
}

void ProtobufSink::BoolAttribute(Field field, std::string_view key, bool value) {
  if (!Fits(key.size())) return;
  char* const at = Attribute(field, key, 2);
  at[0] = Tag(kBoolValue.number, kVarint);
  at[1] = value ? 1 : 0;
}

void ProtobufSink::IntAttribute(Field field, std::string_view key, int64_t value) {
  if (!Fits(key.size())) return;
  char* const at = Attribute(field, key, 1 + VarintBytes(static_cast<uint64_t>(value)));
  *at = Tag(kIntValue.number, kVarint);
  WriteVarint(at + 1, static_cast<uint64_t>(value));
}

void ProtobufSink::DoubleAttribute(Field field, std::string_view key, double value) {
  if (!Fits(key.size())) return;
  char* const at = Attribute(field, key, 9);
  *at = Tag(kDoubleValue.number, kFixed64);
  std::memcpy(at + 1, &value, sizeof value);
}

ProtobufSink::AttributeMark ProtobufSink::BeginAttribute(Field field, std::string_view key) {
  if (!Fits(key.size())) return {};
  const Mark attribute = Begin(field);
  out_.Raw(key);
  return {attribute, Begin({2, {}})};
}

}  // namespace isotel::otlp

// Writes OTLP messages as protobuf. Leaves out fields at their default, except values of attributes.
//
// JsonSink has the same functions. A template over the sink defines the content of each message once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/protobuf_writer.h"
#include "base/wire.h"
#include "otlp/batch_reader.h"
#include "otlp/field.h"
#include "otlp/span_fields.h"

namespace isotel::otlp {

class ProtobufSink {
 public:
  using Mark = ProtobufWriter::Mark;
  /// An attribute that is open.
  struct AttributeMark {
    Mark attribute;
    Mark value;
  };

  explicit ProtobufSink(ByteWriter& out) : out_(out), writer_(out) { out_.Clear(); }

  /// Returns whether the request exceeds kMaxOtlpBytes. Further content is lost.
  [[nodiscard]] bool full() const { return full_; }

  /// A request has one resource and one scope. Write the attributes of the resource after BeginRequest(), the fields of
  /// the scope after BeginScope() and the items after BeginItems(). EndRequest() returns where the request starts in
  /// the writer.
  void BeginRequest(const Signal& /*signal*/) {}
  void BeginScope() { resource_bytes_ = out_.size(); }
  void BeginItems();
  size_t EndRequest();

  /// Writes a key in the form that attributes need.
  static void EncodeKey(std::string_view key, ByteWriter& to) {
    to.Byte(0x0A);
    to.Bytes(key);
  }

  void OpenList(Field /*field*/) {}
  void CloseList() {}
  /// Begins a message, as ProtobufWriter::Begin().
  [[nodiscard]] Mark Begin(Field field, uint32_t length_bytes = 1) {
    return Fits(kTagAndLengthBytes) ? writer_.Begin(field.number, length_bytes) : Mark{};
  }
  [[nodiscard]] Mark BeginElement(Field field, uint32_t length_bytes = 1) { return Begin(field, length_bytes); }
  /// Ends a message. Returns the bytes of its length.
  uint32_t End(Mark mark) { return full_ ? mark.length_bytes : writer_.End(mark); }
  /// Removes the message that was begun as `mark`, with its tag.
  void Drop(Mark mark) {
    if (!full_) out_.Truncate(mark.start - mark.length_bytes - 1);
  }

  void Text(Field field, std::string_view text) {
    if (!text.empty()) TextValue(field, text);
  }
  /// Bytes that are hexadecimal digits in JSON.
  void Id(Field field, std::string_view bytes) { Text(field, bytes); }
  /// uint32, uint64 and enum.
  void Uint(Field field, uint64_t value) {
    if (value != 0) writer_.Uint(field.number, value);
  }
  void Sint(Field field, int64_t value) {
    if (value != 0) writer_.Sint(field.number, value);
  }
  void Bool(Field field, bool value) { Uint(field, value ? 1 : 0); }
  void Fixed32(Field field, uint32_t value) {
    if (value != 0) writer_.Fixed32(field.number, value);
  }
  void Fixed64(Field field, uint64_t value) {
    if (value != 0) writer_.Fixed64(field.number, value);
  }
  /// Writes a zero too, which members of a oneof and optional fields need.
  void SignedFixed64Value(Field field, int64_t value) { writer_.Fixed64(field.number, static_cast<uint64_t>(value)); }
  void DoubleValue(Field field, double value) { writer_.Double(field.number, value); }
  void PackedFixed64(Field field, std::span<const uint64_t> values);
  void PackedDouble(Field field, std::span<const double> values);
  void PackedUint(Field field, std::span<const uint64_t> values);

  /// Writes the head of a span, at the start of its message.
  void Head(const SpanHead& head);
  /// Writes up to `count` attributes whose values are texts, numbers or booleans. Stops before any other attribute and
  /// before one without room. Returns how many it wrote.
  uint32_t PlainAttributes(Field field, BatchReader& in, std::vector<Key>& keys, uint32_t count);
  void TextAttribute(Field field, std::string_view key, std::string_view text);
  void BoolAttribute(Field field, std::string_view key, bool value);
  void IntAttribute(Field field, std::string_view key, int64_t value);
  void DoubleAttribute(Field field, std::string_view key, double value);
  [[nodiscard]] AttributeMark BeginAttribute(Field field, std::string_view key);
  void EndAttribute(const AttributeMark& mark) {
    (void)End(mark.value);
    (void)End(mark.attribute);
  }

  void TextValue(Field field, std::string_view text) {
    if (Fits(text.size())) writer_.Bytes(field.number, text);
  }
  void BytesValue(Field field, std::string_view bytes) { TextValue(field, bytes); }
  void BoolValue(Field field, bool value) { writer_.Uint(field.number, value ? 1 : 0); }
  void IntValue(Field field, int64_t value) { writer_.Uint(field.number, static_cast<uint64_t>(value)); }

 private:
  static constexpr size_t kTagAndLengthBytes = 16;
  // Room for all that is written between two calls of Fits().
  static constexpr size_t kSlackBytes = 256;

  bool Fits(size_t bytes) {
    if (!full_ && out_.size() + bytes + kSlackBytes > kMaxOtlpBytes) full_ = true;
    return !full_;
  }
  // Writes the start of an attribute whose value has `value_bytes`. Returns where the value goes, with room for it.
  char* Attribute(Field field, std::string_view key, size_t value_bytes);

  ByteWriter& out_;
  ProtobufWriter writer_;
  bool full_ = false;
  size_t resource_bytes_ = 0;
  size_t scope_bytes_ = 0;
  size_t items_at_ = 0;
};

}  // namespace isotel::otlp

// Writes OTLP messages as protobuf. Fields at their default are left out, but for the values of attributes.
//
// JsonSink has the same functions: what is in a message is said once, by a template over the sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "metrics/wire.h"
#include "otlp/batch_reader.h"
#include "otlp/field.h"
#include "otlp/span_fields.h"

namespace isotel::otlp {

class ProtobufSink {
 public:
  /// A message that is open.
  struct Mark {
    size_t start = 0;
    uint32_t length_bytes = 1;
  };
  /// An attribute that is open.
  struct AttributeMark {
    Mark attribute;
    Mark value;
  };

  explicit ProtobufSink(metrics::ByteWriter& out) : out_(out) { out_.Clear(); }

  /// Whether the request would be longer than kMaxOtlpBytes. What is written after that is lost.
  [[nodiscard]] bool full() const { return full_; }

  /// A request with one resource and one scope: the attributes of the resource are written next, up to BeginScope(),
  /// the fields of the scope up to BeginItems() and the items up to EndRequest(), which answers where in the writer
  /// the request starts.
  void BeginRequest(const Signal& /*signal*/) {}
  void BeginScope() { resource_bytes_ = out_.size(); }
  void BeginItems();
  size_t EndRequest();

  /// A key in the form in which attributes are given it.
  static void EncodeKey(std::string_view key, metrics::ByteWriter& to) {
    to.Byte(0x0A);
    to.Bytes(key);
  }

  void OpenList(Field /*field*/) {}
  void CloseList() {}
  /// A message. `length_bytes` is a guess at how many its length will take: a wrong one makes closing dearer.
  [[nodiscard]] Mark Begin(Field field, uint32_t length_bytes = 1);
  [[nodiscard]] Mark BeginElement(Field field, uint32_t length_bytes = 1) { return Begin(field, length_bytes); }
  /// How many bytes the length took.
  uint32_t End(Mark mark);
  /// Forgets the message that was begun as `mark`, tag and all.
  void Drop(Mark mark) {
    if (!full_) out_.Truncate(mark.start - mark.length_bytes - 1);
  }

  void Text(Field field, std::string_view text) {
    if (!text.empty()) TextValue(field, text);
  }
  /// Bytes that JSON has as hexadecimal digits.
  void Id(Field field, std::string_view bytes) { Text(field, bytes); }
  /// uint32, uint64 and enum.
  void Uint(Field field, uint64_t value);
  void Sint(Field field, int64_t value);
  void Bool(Field field, bool value) { Uint(field, value ? 1 : 0); }
  void Fixed32(Field field, uint32_t value);
  void Fixed64(Field field, uint64_t value);
  /// Also when it is zero, as all of a oneof and what is optional.
  void SignedFixed64Value(Field field, int64_t value) { Fixed64Value(field, static_cast<uint64_t>(value)); }
  void DoubleValue(Field field, double value) { Fixed64Value(field, metrics::BitsOf(value)); }
  void PackedFixed64(Field field, std::span<const uint64_t> values);
  void PackedDouble(Field field, std::span<const double> values);
  void PackedUint(Field field, std::span<const uint64_t> values);

  /// The head of a span, at the start of its message.
  void Head(const SpanHead& head);
  /// Writes attributes of texts, numbers and booleans up to one that is something else, or for which there is no room
  /// yet, or `count`; how many.
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

  void TextValue(Field field, std::string_view text);
  void BytesValue(Field field, std::string_view bytes) { TextValue(field, bytes); }
  void BoolValue(Field field, bool value);
  void IntValue(Field field, int64_t value);

 private:
  // Room for what is written between two calls of this, whatever it is.
  static constexpr size_t kSlackBytes = 256;

  bool Fits(size_t bytes) {
    if (!full_ && out_.size() + bytes + kSlackBytes > kMaxOtlpBytes) full_ = true;
    return !full_;
  }
  void Fixed64Value(Field field, uint64_t value);
  // The start of an attribute whose value takes `value_bytes`; where the value goes, with room for it.
  char* Attribute(Field field, std::string_view key, size_t value_bytes);

  metrics::ByteWriter& out_;
  bool full_ = false;
  size_t resource_bytes_ = 0;
  size_t scope_bytes_ = 0;
  size_t items_at_ = 0;
};

}  // namespace isotel::otlp

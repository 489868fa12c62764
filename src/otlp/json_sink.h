// Writes OTLP messages as JSON: identifiers as hexadecimal digits, 64-bit integers as texts, enums as numbers. It has
// the same functions as ProtobufSink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/wire.h"
#include "otlp/batch_reader.h"
#include "otlp/field.h"
#include "otlp/span_fields.h"

namespace isotel::otlp {

class JsonSink {
 public:
  struct Mark {
    size_t start = 0;
    uint32_t length_bytes = 0;
  };
  struct AttributeMark {};

  explicit JsonSink(ByteWriter& out) : out_(out) { out_.Clear(); }

  [[nodiscard]] bool full() const { return full_; }

  void BeginRequest(const Signal& signal);
  void BeginScope();
  void BeginItems();
  size_t EndRequest();

  static void EncodeKey(std::string_view key, ByteWriter& to);

  void OpenList(Field field);
  void CloseList() { out_.Byte(']'); }
  [[nodiscard]] Mark Begin(Field field, uint32_t length_bytes = 0);
  [[nodiscard]] Mark BeginElement(Field field, uint32_t length_bytes = 0);
  uint32_t End(Mark mark) {
    if (!full_) out_.Byte('}');
    return mark.length_bytes;
  }
  void Drop(Mark mark) {
    if (!full_) out_.Truncate(mark.start);
  }

  void Text(Field field, std::string_view text) {
    if (!text.empty()) TextValue(field, text);
  }
  void Id(Field field, std::string_view bytes);
  void Uint(Field field, uint64_t value) {
    if (value != 0) Number(field, value);
  }
  void Sint(Field field, int64_t value);
  void Bool(Field field, bool value) {
    if (value) BoolValue(field, value);
  }
  void Fixed32(Field field, uint32_t value) { Uint(field, value); }
  void Fixed64(Field field, uint64_t value) {
    if (value != 0) QuotedUint(field, value);
  }
  void SignedFixed64Value(Field field, int64_t value) { IntValue(field, value); }
  void DoubleValue(Field field, double value);
  void PackedFixed64(Field field, std::span<const uint64_t> values) { PackedUint(field, values); }
  void PackedDouble(Field field, std::span<const double> values);
  void PackedUint(Field field, std::span<const uint64_t> values);

  void Head(const SpanHead& head);
  uint32_t PlainAttributes(Field /*field*/, BatchReader& /*in*/, std::vector<Key>& /*keys*/, uint32_t /*count*/) {
    return 0;
  }
  void TextAttribute(Field field, std::string_view key, std::string_view text);
  void BoolAttribute(Field field, std::string_view key, bool value);
  void IntAttribute(Field field, std::string_view key, int64_t value);
  void DoubleAttribute(Field field, std::string_view key, double value);
  [[nodiscard]] AttributeMark BeginAttribute(Field field, std::string_view key);
  void EndAttribute(AttributeMark /*mark*/) {
    if (!full_) out_.Raw("}}");
  }

  void TextValue(Field field, std::string_view text);
  void BytesValue(Field field, std::string_view bytes);
  void BoolValue(Field field, bool value);
  void IntValue(Field field, int64_t value);

 private:
  static constexpr size_t kSlackBytes = 1024;

  bool Fits(size_t bytes) {
    if (!full_ && out_.size() + bytes + kSlackBytes > kMaxOtlpBytes) full_ = true;
    return !full_;
  }
  // Writes a comma, except at the start of an object or a list.
  void Separate();
  void Name(Field field);
  void Number(Field field, uint64_t value);
  void QuotedUint(Field field, uint64_t value);
  void Quoted(std::string_view text);
  void WriteUint(uint64_t value);
  void WriteDouble(double value);
  bool StartAttribute(std::string_view key, size_t bytes);

  ByteWriter& out_;
  const Signal* signal_ = nullptr;
  bool full_ = false;
};

}  // namespace isotel::otlp

// Writes the attributes and values of a batch to a sink.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "otlp/batch_reader.h"
#include "otlp/dialect.h"
#include "otlp/field.h"

namespace isotel::otlp {

/// Writes an attribute whose value is a text, a number or a boolean.
template <typename Sink>
void WriteAttribute(Sink& out, Field field, std::string_view key, const Captured& value) {
  if (value.kind == ValueKind::kText) return out.TextAttribute(field, key, value.text);
  if (value.kind == ValueKind::kInt64) return out.IntAttribute(field, key, value.integer);
  if (value.kind == ValueKind::kDouble) return out.DoubleAttribute(field, key, value.number);
  out.BoolAttribute(field, key, value.kind == ValueKind::kTrue);
}

template <typename Sink>
class ValueEncoder {
 public:
  ValueEncoder(BatchReader& in, Sink& out) : in_(in), out_(out) {
    std::vector<size_t> ends;
    ends.reserve(in.keys().size());
    for (const std::string_view key : in.keys()) {
      Sink::EncodeKey(key, key_bytes_);
      ends.push_back(key_bytes_.size());
    }
    (void)key_bytes_.Reserve(BatchReader::kSlackBytes);
    size_t start = 0;
    for (const size_t end : ends) {
      keys_.emplace_back().encoded = key_bytes_.view().substr(start, end - start);
      start = end;
    }
  }
  ValueEncoder(const ValueEncoder&) = delete;
  ValueEncoder& operator=(const ValueEncoder&) = delete;

  /// Returns whether to continue: nothing failed and the request is not too large.
  [[nodiscard]] bool GoesOn() const { return in_.ok() && !out_.full(); }

  /// Reads a count and that many values with keys. Writes a list of KeyValue.
  void Attributes(Field field) { AttributeList(field, 0); }

  /// The same as Attributes() for a span in a dialect.
  void SpanAttributes(Field field, DialectMapper& mapper, uint64_t start_unix_nano) {
    const uint32_t count = in_.Word();
    if (count == 0) return;
    mapper.Begin();
    out_.OpenList(field);
    Elements(field, 0, count);
    if (GoesOn()) mapper.Finish(start_unix_nano);
    out_.CloseList();
  }

  [[nodiscard]] std::vector<Key>& keys() { return keys_; }

  /// Reads one value. Writes an AnyValue, or nothing for ValueKind::kNone.
  void Value(Field field) {
    const uint32_t head = in_.Word();
    if (KindOf(head) == ValueKind::kNone) return;
    const auto mark = out_.Begin(field);
    Content(KindOf(head), 0);
    out_.End(mark);
  }

 private:
  void AttributeList(Field field, uint32_t depth) {
    const uint32_t count = in_.Word();
    if (count == 0) return;
    out_.OpenList(field);
    Elements(field, depth, count);
    out_.CloseList();
  }

  void Elements(Field field, uint32_t depth, uint32_t count) {
    for (uint32_t i = 0; i < count && GoesOn();) {
      // A faster loop writes most kinds.
      if (depth == 0) i += out_.PlainAttributes(field, in_, keys_, count - i);
      if (i == count) break;
      Attribute(field, depth);
      ++i;
    }
  }

  void Attribute(Field field, uint32_t depth) {
    const uint32_t head = in_.Word();
    if (head >> kKindBits >= keys_.size()) return in_.Fail();
    Key& entry = keys_[head >> kKindBits];
    Captured unused;
    const bool is_read = depth == 0 && entry.is_captured;
    Captured& value = is_read ? entry.captured : unused;
    const ValueKind kind = KindOf(head);
    value.kind = kind;
    switch (kind) {
      case ValueKind::kText:
        value.text = in_.Text(in_.Word());
        if (depth == 0) entry.KeepText(value.text);
        break;
      case ValueKind::kSameText:
        value.kind = ValueKind::kText;
        value.text = entry.last_text;
        break;
      case ValueKind::kFalse:
      case ValueKind::kTrue:
        break;
      case ValueKind::kInt32:
      case ValueKind::kInteger:
      case ValueKind::kInt64:
        value.kind = ValueKind::kInt64;
        value.integer = Integer(kind);
        break;
      case ValueKind::kDouble:
        value.number = in_.Number();
        break;
      default: {
        if (is_read) {
          const BatchReader::Position position = in_.position();
          value.list = {position.words, position.text};
        }
        const auto mark = out_.BeginAttribute(field, entry.encoded);
        Content(kind, depth);
        return out_.EndAttribute(mark);
      }
    }
    WriteAttribute(out_, field, entry.encoded, value);
  }

  // Writes the field of an AnyValue that is set.
  void Content(ValueKind kind, uint32_t depth) {
    switch (kind) {
      case ValueKind::kEmpty:
        return;
      case ValueKind::kText:
        return out_.TextValue(kStringValue, in_.Text(in_.Word()));
      case ValueKind::kFalse:
      case ValueKind::kTrue:
        return out_.BoolValue(kBoolValue, kind == ValueKind::kTrue);
      case ValueKind::kInt32:
      case ValueKind::kInteger:
      case ValueKind::kInt64:
        return out_.IntValue(kIntValue, Integer(kind));
      case ValueKind::kDouble:
        return out_.DoubleValue(kDoubleValue, in_.Number());
      case ValueKind::kBytes:
        return out_.BytesValue(kBytesValue, in_.Raw(in_.Word()));
      case ValueKind::kList:
      case ValueKind::kMap:
        return Container(kind, depth + 1);
      default:
        in_.Fail();
    }
  }

  void Container(ValueKind kind, uint32_t depth) {
    if (depth > kMaxValueDepth) return in_.Fail();
    const auto mark = out_.Begin(kind == ValueKind::kList ? kArrayValue : kKvlistValue);
    kind == ValueKind::kList ? List(depth) : AttributeList(kValues, depth);
    out_.End(mark);
  }

  void List(uint32_t depth) {
    const uint32_t count = in_.Word();
    if (count == 0) return;
    out_.OpenList(kValues);
    for (uint32_t i = 0; i < count && GoesOn(); ++i) {
      const auto mark = out_.BeginElement(kValues);
      Content(KindOf(in_.Word()), depth);
      out_.End(mark);
    }
    out_.CloseList();
  }

  int64_t Integer(ValueKind kind) {
    if (kind == ValueKind::kInt32) return static_cast<int32_t>(in_.Word());
    if (kind == ValueKind::kInteger) {
      constexpr double kMaxSafe = 9007199254740991.0;
      const double number = in_.Number();
      const bool is_safe = number >= -kMaxSafe && number <= kMaxSafe;
      if (!is_safe) return in_.Fail(), 0;
      return static_cast<int64_t>(number);
    }
    const uint64_t low = in_.Word();
    return static_cast<int64_t>(low | uint64_t{in_.Word()} << 32);
  }

  BatchReader& in_;
  Sink& out_;
  ByteWriter key_bytes_;
  std::vector<Key> keys_;
};

}  // namespace isotel::otlp

// Writes the attributes and values of a batch to a sink.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "otlp/batch_reader.h"
#include "otlp/dialect.h"
#include "otlp/field.h"

namespace isotel::otlp {

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

  /// Sets the dialect of the spans that follow.
  void Map(Dialect dialect) {
    mapper_ = std::make_unique<DialectMapper>(dialect, in_.keys(), keys_);
    std::vector<size_t> ends;
    for (const DialectMapper::Rename& rename : mapper_->renames()) {
      Sink::EncodeKey(rename.name, renamed_bytes_);
      ends.push_back(renamed_bytes_.size());
    }
    (void)renamed_bytes_.Reserve(BatchReader::kSlackBytes);
    size_t start = 0;
    for (size_t i = 0; i < ends.size(); ++i) {
      renamed_.push_back({mapper_->renames()[i].key, renamed_bytes_.view().substr(start, ends[i] - start)});
      start = ends[i];
    }
  }

  /// The same as Attributes() for a span, with what the dialect adds.
  void SpanAttributes(Field field, uint64_t start_unix_nano) {
    if (mapper_ == nullptr) return Attributes(field);
    const uint32_t count = in_.Word();
    if (count == 0) return;
    mapper_->Begin();
    out_.OpenList(field);
    Elements(field, 0, count);
    if (GoesOn()) {
      Added added(out_, field, added_key_);
      mapper_->Finish(start_unix_nano, added);
    }
    out_.CloseList();
  }

  /// Swaps the keys of attributes between their names in the batch, which they have at first, and in spans.
  void SwapKeys() {
    for (Renamed& renamed : renamed_) {
      std::swap(keys_[renamed.key].encoded, renamed.encoded);
      keys_[renamed.key].attribute_size = 0;
    }
  }

  /// Reads one value. Writes an AnyValue, or nothing for ValueKind::kNone.
  void Value(Field field) {
    const uint32_t head = in_.Word();
    if (KindOf(head) == ValueKind::kNone) return;
    const auto mark = out_.Begin(field);
    Content(KindOf(head), 0);
    out_.End(mark);
  }

 private:
  // A key in the form that is not in use.
  struct Renamed {
    uint32_t key;
    std::string_view encoded;
  };

  // Writes what a dialect adds.
  class Added final : public AttributeWriter {
   public:
    Added(Sink& out, Field field, ByteWriter& key) : out_(out), field_(field), key_(key) {}

    std::string_view Encoded(std::string_view key) override {
      key_.Clear();
      Sink::EncodeKey(key, key_);
      (void)key_.Reserve(BatchReader::kSlackBytes);
      return key_.view();
    }
    void Text(std::string_view key, std::string_view text) override { out_.TextAttribute(field_, key, text); }
    void Int(std::string_view key, int64_t value) override { out_.IntAttribute(field_, key, value); }
    void Double(std::string_view key, double value) override { out_.DoubleAttribute(field_, key, value); }
    void Bool(std::string_view key, bool value) override { out_.BoolAttribute(field_, key, value); }

   private:
    Sink& out_;
    Field field_;
    ByteWriter& key_;
  };

  static ValueKind KindOf(uint32_t head) { return static_cast<ValueKind>(head & ((1U << kKindBits) - 1)); }

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
    const std::string_view key = entry.encoded;
    Captured unused;
    Captured& captured = depth == 0 && entry.captured != nullptr ? *entry.captured : unused;
    captured.kind = KindOf(head);
    switch (KindOf(head)) {
      case ValueKind::kText: {
        captured.text = in_.Text(in_.Word());
        if (depth == 0) entry.KeepText(captured.text);
        return out_.TextAttribute(field, key, captured.text);
      }
      case ValueKind::kSameText:
        captured.kind = ValueKind::kText;
        captured.text = entry.last_text;
        return out_.TextAttribute(field, key, entry.last_text);
      case ValueKind::kFalse:
      case ValueKind::kTrue:
        return out_.BoolAttribute(field, key, KindOf(head) == ValueKind::kTrue);
      case ValueKind::kInt32:
      case ValueKind::kInteger:
      case ValueKind::kInt64:
        captured.kind = ValueKind::kInt64;
        captured.integer = Integer(KindOf(head));
        return out_.IntAttribute(field, key, captured.integer);
      case ValueKind::kDouble:
        captured.number = in_.Number();
        return out_.DoubleAttribute(field, key, captured.number);
      default: {
        captured.text = {};
        if (&captured != &unused && captured.kind == ValueKind::kList) captured.text = FirstText();
        const auto mark = out_.BeginAttribute(field, key);
        Content(KindOf(head), depth);
        out_.EndAttribute(mark);
      }
    }
  }

  // Returns the first value of the list that follows, if it is a text. Stays before the list.
  std::string_view FirstText() {
    const BatchReader::Position position = in_.position();
    std::string_view text;
    if (in_.Word() > 0 && KindOf(in_.Word()) == ValueKind::kText) text = in_.Text(in_.Word());
    in_.MoveTo(position);
    return text;
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
  std::unique_ptr<DialectMapper> mapper_;
  std::vector<Renamed> renamed_;
  ByteWriter renamed_bytes_;
  ByteWriter added_key_;
};

}  // namespace isotel::otlp

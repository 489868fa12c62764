// What AI backends read: attributes that are added to, or replace, the attributes gen_ai.* of a span (dialects.def).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/wire.h"
#include "otlp/batch_reader.h"
#include "otlp/dialect_table.h"
#include "otlp/message_attributes.h"

namespace isotel::otlp {

/// Bytes of keys and texts that a dialect adds to one span. What exceeds this is not added: the attributes that it comes
/// from stay, and the span may still be sent.
inline constexpr uint32_t kMaxAddedBytes = 1U << 20;

/// Writes attributes of the current span to a sink.
class AttributeWriter {
 public:
  AttributeWriter() = default;
  AttributeWriter(const AttributeWriter&) = delete;
  AttributeWriter& operator=(const AttributeWriter&) = delete;

  /// Appends a key in the form of the sink.
  virtual void EncodeKey(std::string_view key, ByteWriter& to) = 0;
  /// The key is encoded. The kind is a text, a number or a boolean.
  virtual void Write(std::string_view key, const Captured& value) = 0;

 protected:
  ~AttributeWriter() = default;
};

/// Applies a dialect to the spans of one batch. While the attributes of a span are written, the encoder keeps the values
/// of keys that have a `captured`. Then Finish() writes the attributes that the dialect adds.
class DialectMapper final : private FlatAttributes {
 public:
  /// Sets `is_captured` of the keys that the dialect reads, and `in_spans` of those that spans have under another name.
  DialectMapper(Dialect dialect, BatchReader& in, std::vector<Key>& keys, AttributeWriter& out);

  /// Swaps the keys of attributes between their names in the batch, which they have at first, and in spans.
  void SwapKeys();
  /// Forgets the values of the span before.
  void Begin();
  /// Writes what the dialect adds to a span that started at `start_unix_nano`.
  void Finish(uint64_t start_unix_nano);

 private:
  // A row whose attribute some span of the batch may have.
  struct Step {
    DialectRule rule;
    uint8_t spans;
    DialectText to;
    DialectText detail;
    Captured* from;
    Captured last;           // of a member of the last object
    const Captured* target;  // null when no span has the attribute already
    std::string_view key;    // `to`, encoded
  };

  void Add(std::string_view key, std::string_view text) override;
  void Write(std::string_view key, const Captured& value);
  void Group(std::span<Step> steps);
  void Sum(std::span<const Step> steps);
  [[nodiscard]] std::string_view Object(std::span<Step> steps);
  [[nodiscard]] std::string_view Time(const Captured& value);
  [[nodiscard]] std::string_view First(const Captured& value);
  void MoveTo(const Captured::List& list);
  [[nodiscard]] bool AddList(const Captured& value, ByteWriter& json);
  [[nodiscard]] bool AddValue(const Step& step, double less, ByteWriter& json);
  [[nodiscard]] bool IsSameObject(std::span<const Step> steps) const;

  Dialect dialect_;
  BatchReader& in_;
  AttributeWriter& out_;
  std::vector<Key>& keys_;
  std::unique_ptr<Step[]> steps_;
  size_t step_count_ = 0;
  ByteWriter encoded_keys_;
  ByteWriter key_;
  ByteWriter scratch_;
  // The last JSON object, the steps that it is of, and the kinds of spans that have it.
  ByteWriter object_;
  const Step* object_steps_ = nullptr;
  uint8_t object_spans_ = 0;
  MessageAttributes messages_;
  Captured nothing_;
  const Captured* operation_key_;
  const Captured* cost_;
  const Captured* currency_;
  // The operation of the last span that had one, and its meaning.
  std::string_view operation_name_;
  DialectOperation operation_;
  // Of the current span.
  uint64_t start_unix_nano_ = 0;
  uint32_t left_ = 0;
};

}  // namespace isotel::otlp

// What AI backends read: attributes that are added to, or replace, the attributes gen_ai.* of a span (dialects.def).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/wire.h"
#include "otlp/batch_reader.h"

namespace isotel::otlp {

enum class Dialect : uint32_t {
  kNone = 0,
  kOpenInference = 1,
  kLangfuse = 2,
  kLangSmith = 3,
  kBraintrust = 4,
  kSentry = 5,
};

struct DialectRow;

/// Writes attributes of the current span.
class AttributeWriter {
 public:
  AttributeWriter() = default;
  AttributeWriter(const AttributeWriter&) = delete;
  AttributeWriter& operator=(const AttributeWriter&) = delete;

  /// Returns a key in the form of the sink. Valid until the next call.
  virtual std::string_view Encoded(std::string_view key) = 0;
  /// The keys are encoded.
  virtual void Text(std::string_view key, std::string_view text) = 0;
  virtual void Int(std::string_view key, int64_t value) = 0;
  virtual void Double(std::string_view key, double value) = 0;
  virtual void Bool(std::string_view key, bool value) = 0;

 protected:
  ~AttributeWriter() = default;
};

/// Applies a dialect to the spans of one batch. While the attributes of a span are written, the encoder keeps the values
/// of keys that have a `captured`. Then Finish() writes the attributes that the dialect adds.
class DialectMapper {
 public:
  /// A key of the batch that spans have under another name.
  struct Rename {
    uint32_t key;
    std::string_view name;
  };

  /// Sets `captured` of the keys that the dialect reads.
  DialectMapper(Dialect dialect, const std::vector<std::string_view>& names, std::vector<Key>& keys);
  DialectMapper(const DialectMapper&) = delete;
  DialectMapper& operator=(const DialectMapper&) = delete;

  [[nodiscard]] const std::vector<Rename>& renames() const { return renames_; }

  /// Forgets the values of the span before.
  void Begin();
  /// Writes what the dialect adds to a span that started at `start_unix_nano`.
  void Finish(uint64_t start_unix_nano, AttributeWriter& out);

 private:
  // A row whose attribute some span of the batch may have.
  struct Used {
    const DialectRow* row;
    const Captured* from;
    const Captured* target;  // null when no span has the attribute already
  };

  Captured* CapturedOf(std::string_view name, const std::vector<std::string_view>& names, std::vector<Key>& keys);
  void Group(const Used* used, const Used* end, uint32_t spans, std::string_view kind, uint64_t start_unix_nano,
             AttributeWriter& out);
  void Object(const Used* used, const Used* end, uint32_t spans, AttributeWriter& out);

  std::vector<Captured> captured_;
  std::vector<Used> used_;
  std::vector<Rename> renames_;
  const Captured* operation_;
  const Captured* currency_;
  ByteWriter scratch_;
};

}  // namespace isotel::otlp

// Reads a batch: the content of an OTLP request, which the host writes in four areas that are read from front to back
// (docs/otlp-encoding.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace isotel::otlp {

/// Sizes of the areas. They follow one another in this order.
struct BatchSizes {
  uint32_t numbers = 0;     ///< doubles
  uint32_t keys = 0;        ///< words: the size of each key in UTF-16 units
  uint32_t words = 0;       ///< words after the sizes of the keys
  uint32_t text_bytes = 0;  ///< UTF-8: the keys, then all other texts
  uint32_t text_units = 0;  ///< the same texts in UTF-16 units
  uint32_t raw_bytes = 0;

  [[nodiscard]] uint64_t Total() const {
    return uint64_t{numbers} * 8 + (uint64_t{keys} + words) * 4 + text_bytes + raw_bytes;
  }
};

/// The kind of a value: the low four bits of its first word. The other bits are the number of its key.
enum class ValueKind : uint8_t {
  kEmpty = 0,
  kText = 1,  ///< word: UTF-16 units
  kFalse = 2,
  kTrue = 3,
  kInt32 = 4,      ///< word
  kInteger = 5,    ///< number that is a safe integer
  kInt64 = 6,      ///< words: low, high
  kDouble = 7,     ///< number
  kList = 8,       ///< word: the number of values that follow
  kMap = 9,        ///< the same, each value with a key
  kBytes = 10,     ///< word: raw bytes
  kSameText = 11,  ///< of an attribute: the last text of its key
  kNone = 15,      ///< no value at all
};

inline constexpr uint32_t kKindBits = 4;

/// Returns the kind in the first word of a value.
[[nodiscard]] inline ValueKind KindOf(uint32_t head) { return static_cast<ValueKind>(head & ((1U << kKindBits) - 1)); }

/// The value of an attribute. A dialect keeps those of the current span that it reads.
struct Captured {
  /// Where a list begins in the batch.
  struct List {
    const uint32_t* words;
    const char* text;
  };
  /// Whether a text is JSON.
  enum class Json : uint8_t { kUnknown, kNo, kYes };

  /// kNone: the span does not have the attribute. kText, kFalse, kTrue, kInt64, kDouble, or kList.
  ValueKind kind = ValueKind::kNone;
  Json json = Json::kUnknown;
  std::string_view text;
  union {
    int64_t integer = 0;
    double number;
    List list;
  };
};

/// A key of a batch.
struct Key {
  std::string_view encoded;    ///< in the form of its sink
  std::string_view in_spans;   ///< the same of the other name, if a dialect renames the attribute
  std::string_view last_text;  ///< the last text of an attribute with this key
  /// That attribute as its sink writes it. Written when the text is used again; until then the size is 0.
  std::vector<char> attribute;
  size_t attribute_size = 0;
  bool is_captured = false;  ///< whether a dialect reads the attribute
  Captured captured;

  void KeepText(std::string_view text) {
    last_text = text;
    attribute_size = 0;
  }
};

/// Reads nothing outside of the areas. The first read past the end of one fails the reader for good: later reads return
/// zero or an empty view.
class BatchReader {
 public:
  /// Bytes after the batch that may be read and are never used.
  static constexpr size_t kSlackBytes = 16;

  /// Reads the keys. `bytes` is aligned to 8 and has sizes.Total() bytes, and kSlackBytes after them.
  BatchReader(const char* bytes, const BatchSizes& sizes);

  [[nodiscard]] bool ok() const { return error_ == Error::kOk; }
  /// Returns kCorrupt, or kInvalidUtf8 when a text ends inside a character: joining the texts made one character of two
  /// lone surrogates.
  [[nodiscard]] Error error() const { return error_; }
  /// Returns whether everything was read.
  [[nodiscard]] bool Done() const;
  void Fail(Error error = Error::kCorrupt);

  uint32_t Word() {
    if (words_ == words_end_) return Fail(), 0U;
    return *words_++;
  }
  double Number() {
    if (numbers_ == numbers_end_) return Fail(), 0.0;
    return *numbers_++;
  }
  std::string_view Text(uint32_t units) {
    if (!is_ascii_ || units > static_cast<size_t>(text_end_ - text_)) return LongText(units);
    const char* const start = text_;
    text_ += units;
    return {start, units};
  }
  std::string_view Raw(uint32_t size);

  [[nodiscard]] const std::vector<std::string_view>& keys() const { return keys_; }

  /// The position of the reader, for a loop that keeps it in registers. The loop takes the position, advances it within
  /// the bounds and returns it with MoveTo().
  struct Position {
    const double* numbers;
    const double* numbers_end;
    const uint32_t* words;
    const uint32_t* words_end;
    const char* text;
    /// Equals `text` in a batch whose texts are not all ASCII: such texts need Text().
    const char* text_end;
  };
  [[nodiscard]] Position position() const {
    return {numbers_, numbers_end_, words_, words_end_, text_, is_ascii_ ? text_end_ : text_};
  }
  void MoveTo(const Position& position) {
    numbers_ = position.numbers;
    words_ = position.words;
    text_ = position.text;
  }

 private:
  std::string_view LongText(uint32_t units);

  const double* numbers_;
  const double* numbers_end_;
  const uint32_t* words_;
  const uint32_t* words_end_;
  const char* text_;
  const char* text_end_;
  const char* raw_;
  const char* raw_end_;
  bool is_ascii_;
  Error error_ = Error::kOk;
  std::vector<std::string_view> keys_;
};

}  // namespace isotel::otlp

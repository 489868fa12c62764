// Reads a batch as the host writes it: what an OTLP request is made of, in four areas that are read from front
// to back (docs/otlp-encoding.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace isotel::otlp {

/// Sizes of the areas, which follow one another in this order.
struct BatchSizes {
  uint32_t numbers = 0;     ///< doubles
  uint32_t keys = 0;        ///< words that are the sizes of the keys, in UTF-16 units
  uint32_t words = 0;       ///< words after them
  uint32_t text_bytes = 0;  ///< UTF-8: the keys, then all other texts
  uint32_t text_units = 0;  ///< the same in UTF-16 units
  uint32_t raw_bytes = 0;

  [[nodiscard]] uint64_t Total() const {
    return uint64_t{numbers} * 8 + (uint64_t{keys} + words) * 4 + text_bytes + raw_bytes;
  }
};

/// How a value is written: the low four bits of its first word, the number of its key above them.
enum class ValueKind : uint8_t {
  kEmpty = 0,
  kText = 1,  ///< word: UTF-16 units
  kFalse = 2,
  kTrue = 3,
  kInt32 = 4,      ///< word
  kInteger = 5,    ///< number that is a safe integer
  kInt64 = 6,      ///< words: low, high
  kDouble = 7,     ///< number
  kList = 8,       ///< word: how many values follow
  kMap = 9,        ///< the same, each with a key
  kBytes = 10,     ///< word: raw bytes
  kSameText = 11,  ///< of an attribute: the text its key had last
  kNone = 15,      ///< no value at all
};

inline constexpr uint32_t kKindBits = 4;

/// A key of a batch.
struct Key {
  std::string_view encoded;    ///< as its sink wants it
  std::string_view last_text;  ///< of the last attribute with this key whose value was a text
  /// That attribute as its sink wrote it, once it was needed again; a size of 0 while it was not.
  std::vector<char> attribute;
  size_t attribute_size = 0;

  void KeepText(std::string_view text) {
    last_text = text;
    attribute_size = 0;
  }
};

/// Nothing is read outside of the areas. The first read past the end of one fails the reader for good: later reads
/// answer zero or nothing.
class BatchReader {
 public:
  /// Bytes after the batch that are read, whatever they are, but never used.
  static constexpr size_t kSlackBytes = 16;

  /// `bytes` starts at an address aligned to 8 and has sizes.Total() bytes, and kSlackBytes after them. Reads the keys.
  BatchReader(const char* bytes, const BatchSizes& sizes);

  [[nodiscard]] bool ok() const { return error_ == Error::kOk; }
  /// kCorrupt, or kInvalidUtf8 when a text ends inside a character: two lone surrogates that met.
  [[nodiscard]] Error error() const { return error_; }
  /// Whether everything was read.
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

  /// Where the reader is, for a loop that keeps it in registers: it takes the position, moves on inside of the bounds
  /// and gives it back.
  struct Position {
    const double* numbers;
    const double* numbers_end;
    const uint32_t* words;
    const uint32_t* words_end;
    const char* text;
    /// Of a batch whose texts are not all ASCII the same as `text`: such texts take Text().
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

#include "otlp/batch_reader.h"

namespace isotel::otlp {

BatchReader::BatchReader(const char* bytes, const BatchSizes& sizes)
    : numbers_(reinterpret_cast<const double*>(bytes)),
      numbers_end_(numbers_ + sizes.numbers),
      words_(reinterpret_cast<const uint32_t*>(numbers_end_)),
      words_end_(words_ + sizes.keys + sizes.words),
      text_(reinterpret_cast<const char*>(words_end_)),
      text_end_(text_ + sizes.text_bytes),
      raw_(text_end_),
      raw_end_(raw_ + sizes.raw_bytes),
      is_ascii_(sizes.text_bytes == sizes.text_units) {
  keys_.reserve(sizes.keys);
  for (uint32_t i = 0; i < sizes.keys; ++i) {
    const uint32_t units = Word();
    keys_.push_back(Text(units));
  }
}

bool BatchReader::Done() const {
  return ok() && numbers_ == numbers_end_ && words_ == words_end_ && text_ == text_end_ && raw_ == raw_end_;
}

void BatchReader::Fail(Error error) {
  if (!ok()) return;
  error_ = error;
  numbers_ = numbers_end_;
  words_ = words_end_;
  text_ = text_end_;
  raw_ = raw_end_;
}

std::string_view BatchReader::Raw(uint32_t size) {
  if (size > static_cast<size_t>(raw_end_ - raw_)) return Fail(), std::string_view();
  const char* const start = raw_;
  raw_ += size;
  return {start, size};
}

std::string_view BatchReader::LongText(uint32_t units) {
  const char* const start = text_;
  const char* at = text_;
  while (units > 0 && at != text_end_) {
    const auto lead = static_cast<uint8_t>(*at);
    // A character outside of the basic plane has two units and four bytes.
    const uint32_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const uint32_t wide = size == 4 ? 2 : 1;
    if (static_cast<size_t>(text_end_ - at) < size) return Fail(), std::string_view();
    if (wide > units) return Fail(Error::kInvalidUtf8), std::string_view();
    at += size;
    units -= wide;
  }
  if (units > 0) return Fail(), std::string_view();
  text_ = at;
  return {start, static_cast<size_t>(at - start)};
}

}  // namespace isotel::otlp

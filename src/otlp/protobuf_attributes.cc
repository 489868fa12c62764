// The loop for most of a batch: attributes whose values are texts, numbers or booleans.
#include <algorithm>
#include <cstring>

#include "base/protobuf_writer.h"
#include "otlp/protobuf_sink.h"

namespace isotel::otlp {
namespace {

// Maximum bytes of an attribute without its key and its text: tags, lengths, a value of another type, and the bytes
// that CopyWords() writes past the end.
constexpr size_t kMostBytes = 48;

// Copies pairs of words. Reads and writes up to kSlackBytes past the end.
char* CopyWords(char* to, std::string_view from) {
  struct Words {
    uint64_t first, second;
  };
  static_assert(sizeof(Words) <= BatchReader::kSlackBytes);
  for (size_t i = 0; i < from.size(); i += sizeof(Words)) {
    Words words;
    std::memcpy(&words, from.data() + i, sizeof words);
    std::memcpy(to + i, &words, sizeof words);
  }
  return to + from.size();
}

constexpr size_t kShort = 0x80;
constexpr char kValueTag = ShortTag(2, WireType::kLength);

// Writes a KeyValue up to the content of its value. Returns where the content goes.
char* StartAttribute(char* at, char tag, std::string_view key, size_t value_bytes) {
  const size_t short_size = key.size() + 2 + value_bytes;
  at[0] = tag;
  if (short_size < kShort) {
    at[1] = static_cast<char>(short_size);
    at = CopyWords(at + 2, key);
    at[0] = kValueTag;
    at[1] = static_cast<char>(value_bytes);
    return at + 2;
  }
  at = CopyWords(WriteVarint(at + 1, key.size() + 1 + VarintBytes(value_bytes) + value_bytes), key);
  *at++ = kValueTag;
  return WriteVarint(at, value_bytes);
}

char* WriteText(char* at, char tag, std::string_view key, std::string_view text) {
  constexpr char kTextTag = ShortTag(kStringValue.number, WireType::kLength);
  at = StartAttribute(at, tag, key, 1 + VarintBytes(text.size()) + text.size());
  *at++ = kTextTag;
  return CopyWords(WriteVarint(at, text.size()), text);
}

// Encodes the attribute with the last text of a key and keeps the bytes. Most attributes are equal in all spans, so
// their bytes are copied.
void WriteOnce(char tag, Key& key) {
  if (key.attribute_size > 0) return;
  key.attribute.resize(kMostBytes + key.encoded.size() + key.last_text.size());
  char* const start = key.attribute.data();
  key.attribute_size = static_cast<size_t>(WriteText(start, tag, key.encoded, key.last_text) - start);
}

char* WriteInteger(char* at, char tag, std::string_view key, int64_t value) {
  at = StartAttribute(at, tag, key, 1 + VarintBytes(static_cast<uint64_t>(value)));
  *at++ = ShortTag(kIntValue.number, WireType::kVarint);
  return WriteVarint(at, static_cast<uint64_t>(value));
}

// Keeps the value that ends at `after`.
void Capture(Key& key, ValueKind kind, const BatchReader::Position& after) {
  Captured& value = key.captured;
  value.kind = kind;
  if (kind == ValueKind::kText || kind == ValueKind::kSameText) {
    value.kind = ValueKind::kText;
    value.text = key.last_text;
  } else if (kind == ValueKind::kInt32) {
    value.kind = ValueKind::kInt64;
    value.integer = static_cast<int32_t>(after.words[-1]);
  } else if (kind == ValueKind::kDouble) {
    value.number = after.numbers[-1];
  }
}

}  // namespace

uint32_t ProtobufSink::PlainAttributes(Field field, BatchReader& in, std::vector<Key>& keys, uint32_t count) {
  if (full_) return 0;
  const char tag = ShortTag(field.number, WireType::kLength);
  BatchReader::Position from = in.position();
  Key* const all_keys = keys.data();
  const size_t key_count = keys.size();
  char* const start = out_.Reserve(kMostBytes);
  const size_t allowed = kMaxOtlpBytes - std::min(out_.size(), kMaxOtlpBytes);
  const char* const end = start + std::min(out_.room(), allowed);
  char* at = start;
  uint32_t written = 0;
  for (; written < count; ++written) {
    if (from.words_end - from.words < 2) break;
    const uint32_t head = from.words[0];
    if (head >> kKindBits >= key_count) break;
    Key& key = all_keys[head >> kKindBits];
    const auto room = static_cast<size_t>(end - at);
    if (room < kMostBytes + key.encoded.size()) break;
    const auto kind = KindOf(head);
    if (kind == ValueKind::kSameText) {
      WriteOnce(tag, key);
      if (room < kMostBytes + key.attribute_size) break;
      char* const attribute = at;
      at = CopyWords(at, {key.attribute.data(), key.attribute_size});
      // The bytes may have been encoded for another field, with another tag.
      *attribute = tag;
      from.words += 1;
    } else if (kind == ValueKind::kText) {
      const uint32_t units = from.words[1];
      if (units > static_cast<size_t>(from.text_end - from.text)) break;
      if (room < kMostBytes + key.encoded.size() + units) break;
      key.KeepText({from.text, units});
      at = WriteText(at, tag, key.encoded, key.last_text);
      from.text += units;
      from.words += 2;
    } else if (kind == ValueKind::kInt32) {
      at = WriteInteger(at, tag, key.encoded, static_cast<int32_t>(from.words[1]));
      from.words += 2;
    } else if (kind == ValueKind::kDouble) {
      if (from.numbers == from.numbers_end) break;
      at = StartAttribute(at, tag, key.encoded, 9);
      *at++ = ShortTag(kDoubleValue.number, WireType::kFixed64);
      std::memcpy(at, from.numbers, sizeof(double));
      at += sizeof(double);
      from.numbers += 1;
      from.words += 1;
    } else if (kind == ValueKind::kTrue || kind == ValueKind::kFalse) {
      at = StartAttribute(at, tag, key.encoded, 2);
      *at++ = ShortTag(kBoolValue.number, WireType::kVarint);
      *at++ = kind == ValueKind::kTrue ? 1 : 0;
      from.words += 1;
    } else {
      break;
    }
    if (key.is_captured) Capture(key, kind, from);
  }
  out_.Advance(static_cast<size_t>(at - start));
  in.MoveTo(from);
  return written;
}

}  // namespace isotel::otlp

// Writes batches as a host does.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "otlp/requests.h"
#include "otlp_reader.h"

namespace isotel::otlp {

inline constexpr char kTraceDigits[] = "0123456789abcdef0123456789abcdef";
inline constexpr char kSpanDigits[] = "00f067aa0ba902b7";

/// UTF-16 units of well-formed UTF-8.
inline uint32_t UnitsOf(std::string_view text) {
  uint32_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte & 0xC0) != 0x80) units += byte >= 0xF0 ? 2 : 1;
  }
  return units;
}

struct BatchBuilder {
  std::vector<double> numbers;
  std::vector<uint32_t> key_sizes;
  std::vector<uint32_t> words;
  std::string key_text;
  std::string text;
  std::string raw;

  uint32_t Key(std::string_view key) {
    key_text += key;
    key_sizes.push_back(UnitsOf(key));
    return static_cast<uint32_t>(key_sizes.size() - 1) << kKindBits;
  }
  BatchBuilder& Words(std::initializer_list<uint32_t> more) {
    words.insert(words.end(), more);
    return *this;
  }
  BatchBuilder& Text(std::string_view more) {
    text += more;
    return *this;
  }
  BatchBuilder& Number(double number) {
    numbers.push_back(number);
    return *this;
  }
  BatchBuilder& TextValue(uint32_t key, std::string_view value) {
    return Words({key | static_cast<uint32_t>(ValueKind::kText), UnitsOf(value)}).Text(value);
  }
  /// A head value without anything after it.
  BatchBuilder& Value(uint32_t key, ValueKind kind) { return Words({key | static_cast<uint32_t>(kind)}); }

  /// A resource without attributes and a scope `test`.
  BatchBuilder& Head() { return Words({0, 4, 0}).Text("test").Words({0}); }
  /// A span up to its attributes.
  BatchBuilder& Span(std::string_view name, uint32_t word = 0, double start = 1'000, double end = 2'000) {
    return Words({word, UnitsOf(name), 0, 0, 0, 0, 0})
        .Number(start)
        .Number(end)
        .Text(kTraceDigits)
        .Text(kSpanDigits)
        .Text(name);
  }

  [[nodiscard]] BatchSizes Sizes() const {
    return {.numbers = static_cast<uint32_t>(numbers.size()),
            .keys = static_cast<uint32_t>(key_sizes.size()),
            .words = static_cast<uint32_t>(words.size()),
            .text_bytes = static_cast<uint32_t>(key_text.size() + text.size()),
            .text_units = UnitsOf(key_text) + UnitsOf(text),
            .raw_bytes = static_cast<uint32_t>(raw.size())};
  }

  /// The batch, aligned and with its slack.
  [[nodiscard]] std::vector<uint64_t> Bytes() const {
    std::vector<uint64_t> bytes((Sizes().Total() + BatchReader::kSlackBytes + 7) / 8);
    char* at = reinterpret_cast<char*>(bytes.data());
    const auto put = [&](const void* from, size_t size) {
      if (size > 0) std::memcpy(at, from, size);
      at += size;
    };
    put(numbers.data(), numbers.size() * 8);
    put(key_sizes.data(), key_sizes.size() * 4);
    put(words.data(), words.size() * 4);
    put(key_text.data(), key_text.size());
    put(text.data(), text.size());
    put(raw.data(), raw.size());
    return bytes;
  }

  using Encode = Encoded (*)(BatchReader&, Format, ByteWriter&);

  Encoded Run(Encode encode, Format format, std::string& request) const {
    const std::vector<uint64_t> bytes = Bytes();
    BatchReader reader(reinterpret_cast<const char*>(bytes.data()), Sizes());
    ByteWriter out;
    const Encoded encoded = encode(reader, format, out);
    request = encoded.error == Error::kOk ? out.view().substr(encoded.start, encoded.size) : std::string_view();
    return encoded;
  }

  [[nodiscard]] Error ErrorOf(Encode encode, Format format = Format::kProtobuf) const {
    std::string request;
    return Run(encode, format, request).error;
  }

  /// The request as JSON, which has to say the same as protobuf. A program without assertions cannot call it.
  [[nodiscard]] Json Request([[maybe_unused]] Encode encode, [[maybe_unused]] std::string_view message) const {
    std::string json;
    std::string protobuf;
    REQUIRE(Run(encode, Format::kJson, json).error == Error::kOk);
    REQUIRE(Run(encode, Format::kProtobuf, protobuf).error == Error::kOk);
    const Json parsed = Json::parse(json);
    CHECK(parsed == ReadMessage(message, protobuf));
    return parsed;
  }
  [[nodiscard]] Json Spans() const {
    return Request(EncodeTraces, "TraceRequest")["resourceSpans"][0]["scopeSpans"][0]["spans"];
  }
  [[nodiscard]] Json Records() const {
    return Request(EncodeLogs, "LogsRequest")["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
  }
};

}  // namespace isotel::otlp

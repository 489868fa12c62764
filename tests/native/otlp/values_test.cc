#include <doctest/doctest.h>

#include "batch_builder.h"

namespace isotel::otlp {
namespace {

// The body of a log record made of what `build` writes for one value with a key.
template <typename Build>
Json BodyOf(const Build& build) {
  BatchBuilder batch;
  const uint32_t key = batch.Key("k");
  batch.Head().Words({1, 0, 0, 0, 0}).Number(0).Number(0).Words({1});
  build(batch, key);
  build(batch, key);
  const Json record = batch.Records()[0];
  // An attribute and a body are written in different ways.
  CHECK(record["attributes"][0]["value"] == record["body"]);
  return record["body"];
}

Json NumberBody(ValueKind kind, double number) {
  return BodyOf([&](BatchBuilder& batch, uint32_t key) { batch.Value(key, kind).Number(number); });
}

Json Int32Body(int32_t value) {
  return BodyOf([&](BatchBuilder& batch, uint32_t key) {
    batch.Value(key, ValueKind::kInt32).Words({static_cast<uint32_t>(value)});
  });
}

Json Int64Body(int64_t value) {
  return BodyOf([&](BatchBuilder& batch, uint32_t key) {
    const auto bits = static_cast<uint64_t>(value);
    batch.Value(key, ValueKind::kInt64).Words({static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)});
  });
}

Json TextBody(std::string_view text) {
  return BodyOf([&](BatchBuilder& batch, uint32_t key) { batch.TextValue(key, text); });
}

TEST_CASE("a value is the one kind it was written as") {
  CHECK(TextBody("text") == Json{{"stringValue", "text"}});
  CHECK(TextBody("") == Json{{"stringValue", ""}});
  CHECK(BodyOf([](BatchBuilder& batch, uint32_t key) { batch.Value(key, ValueKind::kTrue); }) ==
        Json{{"boolValue", true}});
  CHECK(BodyOf([](BatchBuilder& batch, uint32_t key) { batch.Value(key, ValueKind::kFalse); }) ==
        Json{{"boolValue", false}});
  CHECK(BodyOf([](BatchBuilder& batch, uint32_t key) { batch.Value(key, ValueKind::kEmpty); }) == Json::object());
}

TEST_CASE("integers are texts in JSON and keep all their bits") {
  for (const int32_t value : {0, 1, -1, 127, 128, INT32_MAX, INT32_MIN}) {
    CHECK(Int32Body(value) == Json{{"intValue", std::to_string(value)}});
  }
  for (const int64_t value : {int64_t{0}, INT64_MAX, INT64_MIN, int64_t{1} << 53, -(int64_t{1} << 31) - 1}) {
    CHECK(Int64Body(value) == Json{{"intValue", std::to_string(value)}});
  }
  CHECK(NumberBody(ValueKind::kInteger, 9007199254740991) == Json{{"intValue", "9007199254740991"}});
  CHECK(NumberBody(ValueKind::kInteger, -9007199254740991) == Json{{"intValue", "-9007199254740991"}});
}

TEST_CASE("an integer that is none is an error, not undefined behaviour") {
  for (const double number : {std::nan(""), 1e300, -1e300, 9007199254740992.0}) {
    BatchBuilder batch;
    batch.Head().Words({1, 0, 0, 0, 0}).Number(0).Number(0).Words({0});
    batch.Value(0, ValueKind::kInteger).Number(number);
    CHECK(batch.ErrorOf(EncodeLogs) == Error::kCorrupt);
  }
}

TEST_CASE("doubles read back as the same bits, what JSON has no number for as a text") {
  for (const double value : {0.0, 0.1, -1.5, 5e-324, 1.7976931348623157e308, 1e21, 123456.789, 9007199254740993.0}) {
    CHECK(NumberBody(ValueKind::kDouble, value)["doubleValue"].get<double>() == value);
  }
  CHECK(std::signbit(NumberBody(ValueKind::kDouble, -0.0)["doubleValue"].get<double>()));
  CHECK(NumberBody(ValueKind::kDouble, std::nan("")) == Json{{"doubleValue", "NaN"}});
  CHECK(NumberBody(ValueKind::kDouble, HUGE_VAL) == Json{{"doubleValue", "Infinity"}});
  CHECK(NumberBody(ValueKind::kDouble, -HUGE_VAL) == Json{{"doubleValue", "-Infinity"}});
}

TEST_CASE("JSON escapes every character that needs it, at every place in a word") {
  std::string all;
  for (char c = 1; c < 127; ++c) all += c;
  all += "\x7F äöü 🚀";
  all += '\0';
  CHECK(TextBody(all) == Json{{"stringValue", all}});
  for (const char special : {'"', '\\', '\0', '\x1f', '\n', '\x7f', '!', '[', ' '}) {
    for (size_t at = 0; at < 20; ++at) {
      std::string text(20, 'a');
      text[at] = special;
      CHECK(TextBody(text) == Json{{"stringValue", text}});
    }
  }
}

TEST_CASE("bytes are base64 in JSON") {
  for (const std::string_view bytes : {"", "f", "fo", "foo", "foob", "\xFF\xFE\x01"}) {
    BatchBuilder batch;
    batch.raw = bytes;
    batch.Head().Words({1, 0, 0, 0, 0}).Number(0).Number(0).Words({0});
    batch.Value(0, ValueKind::kBytes).Words({static_cast<uint32_t>(bytes.size())});
    CHECK(batch.Records()[0]["body"] == Json{{"bytesValue", Base64Of(bytes)}});
  }
}

TEST_CASE("lists and maps stand in one another as deep as the limit, and no deeper") {
  for (const uint32_t depth : {1U, kMaxValueDepth, kMaxValueDepth + 1}) {
    BatchBuilder batch;
    const uint32_t key = batch.Key("k");
    batch.Head().Words({1, 0, 0, 0, 0}).Number(0).Number(0).Words({0});
    for (uint32_t i = 0; i < depth; ++i) {
      batch.Value(i % 2 == 0 ? key : 0, i % 2 == 0 ? ValueKind::kList : ValueKind::kMap).Words({1});
    }
    batch.TextValue(key, "innermost");
    if (depth > kMaxValueDepth) {
      CHECK(batch.ErrorOf(EncodeLogs) == Error::kCorrupt);
      CHECK(batch.ErrorOf(EncodeLogs, Format::kJson) == Error::kCorrupt);
      continue;
    }
    Json inner = batch.Records()[0]["body"];
    for (uint32_t i = 0; i < depth; ++i) {
      Json next = i % 2 == 0 ? inner["arrayValue"]["values"][0] : inner["kvlistValue"]["values"][0]["value"];
      inner = std::move(next);
    }
    CHECK(inner == Json{{"stringValue", "innermost"}});
  }
}

TEST_CASE("empty lists and maps are lists and maps") {
  BatchBuilder batch;
  batch.Head().Words({2, 0, 0, 0, 0}).Number(0).Number(0).Words({0}).Value(0, ValueKind::kList).Words({0});
  batch.Words({0, 0, 0, 0}).Number(0).Number(0).Words({0}).Value(0, ValueKind::kMap).Words({0});
  const Json records = batch.Records();
  CHECK(records[0]["body"] == Json{{"arrayValue", Json::object()}});
  CHECK(records[1]["body"] == Json{{"kvlistValue", Json::object()}});
}

TEST_CASE("the same text again is that of the last attribute with the key, not of one inside a map") {
  BatchBuilder batch;
  const uint32_t key = batch.Key("k");
  batch.Head().Words({1, 0, 0, 0, 0}).Number(0).Number(0).Words({3});
  batch.TextValue(key, "outer").Value(key, ValueKind::kMap).Words({1}).TextValue(key, "inner");
  batch.Value(key, ValueKind::kSameText).Value(0, ValueKind::kNone);
  const Json attributes = batch.Records()[0]["attributes"];
  CHECK(attributes[1]["value"]["kvlistValue"]["values"][0]["value"]["stringValue"] == "inner");
  CHECK(attributes[2]["value"]["stringValue"] == "outer");
}

TEST_CASE("unknown kinds and keys are errors") {
  for (const uint32_t head : {12U, 13U, 14U, 1U << kKindBits, 0xFFFFFFF3U}) {
    BatchBuilder batch;
    batch.Key("only");
    batch.Head().Words({1, 0, 0, 0, 0}).Number(0).Number(0).Words({1, head, 0, 15});
    CHECK(batch.ErrorOf(EncodeLogs) == Error::kCorrupt);
    CHECK(batch.ErrorOf(EncodeLogs, Format::kJson) == Error::kCorrupt);
  }
}

}  // namespace
}  // namespace isotel::otlp

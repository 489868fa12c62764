#include <doctest/doctest.h>

#include "batch_builder.h"

namespace isotel::otlp {
namespace {

constexpr uint32_t kSameTrace = 1U << 24;
constexpr uint32_t kHasParent = 1U << 25;
constexpr uint32_t kKnowsRemote = 1U << 26;
constexpr uint32_t kIsRemote = 1U << 27;
constexpr uint32_t kSameName = 1U << 28;

// Without attributes, events and links.
BatchBuilder& Bare(BatchBuilder& batch) { return batch.Words({0, 0, 0}); }

TEST_CASE("every field of a span, an event and a link has the name and the value OTLP gives it") {
  BatchBuilder batch;
  const uint32_t key = batch.Key("app.key");
  batch.Words({1}).TextValue(key, "from the resource");
  batch.Words({5, 3}).Text("scope").Text("1.0").Words({1}).Value(key, ValueKind::kTrue);
  batch.Words({1});
  batch.Words({1 | 3U << 8 | 2U << 16 | kHasParent | kKnowsRemote | kIsRemote, 4, 8, 3, 1, 2, 3});
  batch.Number(1'700'000'000'000.25).Number(1'700'000'000'001);
  batch.Text(kTraceDigits).Text(kSpanDigits).Text("b7ad6b7169203331").Text("name").Text("vendor=1").Text("bad");
  batch.Words({1}).TextValue(key, "value");
  batch.Words({1, 5, 4}).Number(1'000).Text("event").Words({1}).Value(key, ValueKind::kFalse);
  batch.Words({1, 0 | kKnowsRemote, 3, 5}).Text(kTraceDigits).Text(kSpanDigits).Text("a=1").Words({0});

  const Json request = batch.Request(EncodeTraces, "TraceRequest");
  CHECK(request == Json::parse(R"({"resourceSpans": [{
    "resource": {"attributes": [{"key": "app.key", "value": {"stringValue": "from the resource"}}]},
    "scopeSpans": [{
      "scope": {"name": "scope", "version": "1.0", "attributes": [{"key": "app.key", "value": {"boolValue": true}}]},
      "spans": [{
        "traceId": "0123456789abcdef0123456789abcdef", "spanId": "00f067aa0ba902b7",
        "parentSpanId": "b7ad6b7169203331", "traceState": "vendor=1", "name": "name", "kind": 3, "flags": 769,
        "startTimeUnixNano": "1700000000000250000", "endTimeUnixNano": "1700000000001000000",
        "attributes": [{"key": "app.key", "value": {"stringValue": "value"}}],
        "droppedAttributesCount": 1, "droppedEventsCount": 2, "droppedLinksCount": 3,
        "events": [{"timeUnixNano": "1000000000", "name": "event", "droppedAttributesCount": 4,
                    "attributes": [{"key": "app.key", "value": {"boolValue": false}}]}],
        "links": [{"traceId": "0123456789abcdef0123456789abcdef", "spanId": "00f067aa0ba902b7", "traceState": "a=1",
                   "flags": 256, "droppedAttributesCount": 5}],
        "status": {"code": 2, "message": "bad"}}]}]}]})"));
}

TEST_CASE("what is at its default is left out, and an empty batch is a request without spans") {
  BatchBuilder batch;
  Bare(batch.Head().Words({1}).Span("", 0, 0, 0));
  CHECK(batch.Spans()[0] == Json{{"traceId", kTraceDigits}, {"spanId", kSpanDigits}});
  BatchBuilder empty;
  empty.Head().Words({0});
  std::string json;
  CHECK(empty.Run(EncodeTraces, Format::kJson, json).error == Error::kOk);
  CHECK(json == R"({"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{"name":"test"},"spans":[]}]}]})");
}

TEST_CASE("a span of the same trace or name takes it from the one before") {
  BatchBuilder batch;
  Bare(batch.Head().Words({2}).Span("first"));
  batch.Words({kSameTrace | kSameName, 99, 0, 0, 0, 0, 0}).Number(1).Number(2).Text("00f067aa0ba902b8");
  Bare(batch);
  const Json spans = batch.Spans();
  CHECK(spans[1]["traceId"] == kTraceDigits);
  CHECK(spans[1]["name"] == "first");
  CHECK(spans[1]["spanId"] == "00f067aa0ba902b8");
}

TEST_CASE("a span whose identifiers are none is left out and counted, a link of that kind counts as dropped") {
  for (const std::string_view digits : {"00000000000000000000000000000000", "0123456789abcdef0123456789abcdeg",
                                        "0123456789abcdef0123456789abcde ", "0123456789ABCDEF0123456789ABCDEF"}) {
    BatchBuilder batch;
    Bare(batch.Head().Words({2}).Span("kept"));
    batch.Words({0, 1, 0, 0, 0, 0, 0}).Number(1).Number(2).Text(digits).Text(kSpanDigits).Text("x");
    batch.Words({0, 0, 1, 0, 0, 0}).Text(digits).Text(kSpanDigits).Words({0});
    std::string request;
    const bool is_upper = digits.back() == 'F';
    CHECK(batch.Run(EncodeTraces, Format::kProtobuf, request).skipped == (is_upper ? 0 : 1));
    const Json spans = batch.Spans();
    CHECK(spans.size() == (is_upper ? 2 : 1));
    CHECK(spans[0]["name"] == "kept");
  }
  BatchBuilder batch;
  batch.Head().Words({1}).Span("links").Words({0, 0, 2});
  for (const std::string_view digits : {"0000000000000000", kSpanDigits}) {
    batch.Words({0, 0, 0}).Text(kTraceDigits).Text(digits).Words({0});
  }
  const Json span = batch.Spans()[0];
  CHECK(span["links"].size() == 1);
  CHECK(span["droppedLinksCount"] == 1);
}

TEST_CASE("the trace of a span that is left out is not the next one's") {
  BatchBuilder batch;
  batch.Head().Words({2, 0, 0, 0, 0, 0, 0, 0}).Number(1).Number(2);
  batch.Text("00000000000000000000000000000000").Text(kSpanDigits);
  Bare(batch);
  batch.Words({kSameTrace, 0, 0, 0, 0, 0, 0}).Number(1).Number(2).Text(kSpanDigits);
  Bare(batch);
  std::string request;
  CHECK(batch.Run(EncodeTraces, Format::kJson, request).skipped == 2);
}

TEST_CASE("times are nanoseconds, rounded once, and an end before the start is the start") {
  const auto times = [](double start, double end) {
    BatchBuilder batch;
    Bare(batch.Head().Words({1}).Span("", 0, start, end));
    const Json span = batch.Spans()[0];
    return std::pair{span.value("startTimeUnixNano", "0"), span.value("endTimeUnixNano", "0")};
  };
  using Times = std::pair<std::string, std::string>;
  CHECK(times(1'763'640'000'000, 1'763'640'000'000.5) == Times{"1763640000000000000", "1763640000000500000"});
  // The next double after a millisecond of today is 2^-12 ms later.
  CHECK(times(1, 1'763'640'000'000.000244140625) == Times{"1000000", "1763640000000000244"});
  CHECK(times(0.0000006, 0.123456789) == Times{"1", "123457"});
  CHECK(times(5'000, 4'000) == Times{"5000000000", "5000000000"});
  CHECK(times(-1, std::nan("")) == Times{"0", "0"});
  CHECK(times(18'446'744'073'709, 1e300) == Times{"18446744073709000000", "18446744073709551615"});
}

TEST_CASE("lengths at the edges of their encoding") {
  for (const size_t size :
       {0U, 1U, 60U, 100U, 120U, 126U, 127U, 128U, 129U, 200U, 16'200U, 16'300U, 16'383U, 16'384U, 16'385U, 70'000U}) {
    for (const size_t event_size : {0U, 100U, 128U}) {
      BatchBuilder batch;
      const uint32_t key = batch.Key(std::string(size % 300, 'k'));
      const std::string text(size, 'x');
      batch.Head().Words({2});
      for (int i = 0; i < 2; ++i) {
        batch.Span(text).Words({1}).TextValue(key, text);
        batch.Words({1, static_cast<uint32_t>(event_size), 0}).Number(1).Text(std::string(event_size, 'e'));
        batch.Words({0, 0});
      }
      const Json spans = batch.Spans();
      CHECK(spans[1].value("name", "") == text);
      CHECK(spans[1]["attributes"][0]["value"]["stringValue"] == text);
      CHECK(spans[1]["events"][0].value("name", "").size() == event_size);
    }
  }
}

TEST_CASE("texts beyond ASCII are taken by UTF-16 units") {
  BatchBuilder batch;
  const uint32_t key = batch.Key("schlüssel");
  batch.Head().Words({2});
  batch.Span("🚀").Words({2}).TextValue(key, "日本").Value(key, ValueKind::kSameText).Words({0, 0});
  Bare(batch.Span("plain"));
  const Json spans = batch.Spans();
  CHECK(spans[0]["name"] == "🚀");
  CHECK(spans[0]["attributes"][0] == Json{{"key", "schlüssel"}, {"value", {{"stringValue", "日本"}}}});
  CHECK(spans[0]["attributes"][1]["value"]["stringValue"] == "日本");
  CHECK(spans[1]["name"] == "plain");
}

TEST_CASE("a text that ends inside a character is an error: two halves of different texts met") {
  BatchBuilder batch;
  batch.Head().Words({1, 0, 1, 1, 0, 0, 0, 0}).Number(1).Number(2);
  Bare(batch.Text(kTraceDigits).Text(kSpanDigits).Text("🚀"));
  CHECK(batch.ErrorOf(EncodeTraces) == Error::kInvalidUtf8);
  CHECK(batch.ErrorOf(EncodeTraces, Format::kJson) == Error::kInvalidUtf8);
}

TEST_CASE("a batch that is cut anywhere, or goes on after its end, is corrupt") {
  BatchBuilder batch;
  const uint32_t key = batch.Key("key");
  batch.raw = "abc";
  batch.Head().Words({1}).Span("name").Words({3}).TextValue(key, "text");
  batch.Value(key, ValueKind::kDouble).Number(1.5);
  batch.Value(key, ValueKind::kBytes).Words({3, 1, 1, 0}).Number(3).Text("e").Words({0, 0});
  CHECK(batch.Spans().size() == 1);
  const auto is_corrupt = [](const BatchBuilder& changed) {
    return changed.ErrorOf(EncodeTraces) == Error::kCorrupt &&
           changed.ErrorOf(EncodeTraces, Format::kJson) == Error::kCorrupt;
  };
  for (size_t left = 0; left < batch.words.size(); ++left) {
    BatchBuilder cut = batch;
    cut.words.resize(left);
    CHECK(is_corrupt(cut));
  }
  for (size_t left = 0; left < batch.text.size(); ++left) {
    BatchBuilder cut = batch;
    cut.text.resize(left);
    CHECK(is_corrupt(cut));
  }
  BatchBuilder cut = batch;
  cut.numbers.pop_back();
  CHECK(is_corrupt(cut));
  cut = batch;
  cut.raw.pop_back();
  CHECK(is_corrupt(cut));
  for (BatchBuilder longer : {batch, batch, batch, batch}) {
    static int which = 0;
    if (which == 0) longer.Words({0});
    if (which == 1) longer.Text("x");
    if (which == 2) longer.Number(1);
    if (which == 3) longer.raw += 'x';
    ++which;
    CHECK(is_corrupt(longer));
  }
}

TEST_CASE("a request past the limit is an error in both formats, however it grows") {
  BatchBuilder texts;
  const uint32_t key = texts.Key("k");
  texts.Head().Words({1}).Span("").Words({1}).TextValue(key, std::string(kMaxOtlpBytes / 5, '\1')).Words({0, 0});
  CHECK(texts.ErrorOf(EncodeTraces) == Error::kOk);
  CHECK(texts.ErrorOf(EncodeTraces, Format::kJson) == Error::kTooLarge);

  // Few bytes of batch, many of request.
  BatchBuilder keys;
  const uint32_t long_key = keys.Key(std::string(100'000, 'k'));
  keys.Head().Words({1}).Span("").Words({200});
  for (int i = 0; i < 200; ++i) keys.Value(long_key, ValueKind::kTrue);
  keys.Words({0, 0});
  CHECK(keys.ErrorOf(EncodeTraces) == Error::kTooLarge);
  CHECK(keys.ErrorOf(EncodeTraces, Format::kJson) == Error::kTooLarge);

  BatchBuilder names;
  names.Head().Words({20'000});
  names.Span(std::string(1'000, 'n')).Words({0, 0, 0});
  for (int i = 1; i < 20'000; ++i) {
    names.Words({kSameTrace | kSameName, 0, 0, 0, 0, 0, 0}).Number(1).Number(2).Text(kSpanDigits).Words({0, 0, 0});
  }
  CHECK(names.ErrorOf(EncodeTraces) == Error::kTooLarge);
  CHECK(names.ErrorOf(EncodeTraces, Format::kJson) == Error::kTooLarge);
}

}  // namespace
}  // namespace isotel::otlp

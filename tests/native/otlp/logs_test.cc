#include <doctest/doctest.h>

#include "batch_builder.h"

namespace isotel::otlp {
namespace {

constexpr uint32_t kHasTrace = 1U << 24;
constexpr uint32_t kHasSpan = 1U << 25;

TEST_CASE("every field of a log record has the name and the value OTLP gives it") {
  BatchBuilder batch;
  const uint32_t key = batch.Key("k");
  batch.Head().Words({1, 1 | 17U << 8 | kHasTrace | kHasSpan, 5, 4, 7}).Number(1'000.5).Number(2'000);
  batch.Text(kTraceDigits).Text(kSpanDigits).Text("ERROR").Text("name");
  batch.Words({1}).TextValue(key, "v").TextValue(0, "body");
  CHECK(batch.Records() == Json::parse(R"([{
    "timeUnixNano": "1000500000", "observedTimeUnixNano": "2000000000", "severityNumber": 17, "severityText": "ERROR",
    "eventName": "name", "traceId": "0123456789abcdef0123456789abcdef", "spanId": "00f067aa0ba902b7", "flags": 1,
    "attributes": [{"key": "k", "value": {"stringValue": "v"}}], "droppedAttributesCount": 7,
    "body": {"stringValue": "body"}}])"));
}

TEST_CASE(
    "a record outside of any trace, without a body, is empty, and one with identifiers that are none keeps the rest") {
  BatchBuilder batch;
  batch.Head().Words({2, 0, 0, 0, 0}).Number(0).Number(0).Words({0, 15});
  batch.Words({kHasTrace | kHasSpan, 4, 0, 0}).Number(0).Number(0);
  batch.Text("00000000000000000000000000000000").Text("not an id at all").Text("INFO").Words({0, 15});
  CHECK(batch.Records() == Json::parse(R"([{}, {"severityText": "INFO"}])"));
}

}  // namespace
}  // namespace isotel::otlp

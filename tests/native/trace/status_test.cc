#include "trace/status.h"

#include <doctest/doctest.h>

namespace isotel::trace {
namespace {

constexpr auto kUnset = StatusCode::kUnset;
constexpr auto kOk = StatusCode::kOk;
constexpr auto kError = StatusCode::kError;

TEST_CASE("Ok status is final: a later Error is ignored") {
  CHECK(Combine(kOk, kError) == kOk);
  CHECK(Combine(kOk, kUnset) == kOk);
  CHECK(Combine(kOk, kOk) == kOk);
}

TEST_CASE("Error overrides Unset and Ok overrides Error") {
  CHECK(Combine(kUnset, kError) == kError);
  CHECK(Combine(kUnset, kOk) == kOk);
  CHECK(Combine(kError, kOk) == kOk);
  CHECK(Combine(kError, kError) == kError);
}

TEST_CASE("Unset overrides nothing") {
  CHECK(Combine(kUnset, kUnset) == kUnset);
  CHECK(Combine(kError, kUnset) == kError);
}

TEST_CASE("Codes are those of the OpenTelemetry protocol") {
  CHECK(static_cast<int>(kUnset) == 0);
  CHECK(static_cast<int>(kOk) == 1);
  CHECK(static_cast<int>(kError) == 2);
  CHECK(static_cast<int>(SpanKind::kInternal) == 1);
  CHECK(static_cast<int>(SpanKind::kClient) == 3);
}

TEST_CASE("Outcome codes count up from zero to their number") {
  uint32_t next = 0;
#define ISOTEL_OUTCOME(name, code)                     \
  CHECK(static_cast<uint32_t>(Outcome::name) == next); \
  ++next;
#include "trace/outcomes.def"
#undef ISOTEL_OUTCOME
  CHECK(next == kOutcomeCount);
}

}  // namespace
}  // namespace isotel::trace

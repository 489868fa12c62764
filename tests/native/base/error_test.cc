#include "base/error.h"

#include <doctest/doctest.h>

#include <set>
#include <string_view>

#include "base/counters.h"
#include "base/result.h"

namespace isotel {
namespace {

TEST_CASE("Every error has a code of its own below zero and a message") {
  std::set<int32_t> codes;
  std::set<std::string_view> messages;
  size_t rows = 0;
#define ISOTEL_ERROR(name, code, message)            \
  CHECK((code == 0) == (Error::name == Error::kOk)); \
  CHECK(code <= 0);                                  \
  CHECK(Message(Error::name) == message);            \
  codes.insert(code);                                \
  messages.insert(Message(Error::name));             \
  ++rows;
#include "base/errors.def"
#undef ISOTEL_ERROR
  CHECK(codes.size() == rows);
  CHECK(messages.size() == rows);
}

TEST_CASE("A code that is in no table has a message too") {
  CHECK(Message(static_cast<Error>(-1'000)) == "unknown error");
  CHECK(Message(static_cast<Error>(1)) == "unknown error");
}

TEST_CASE("A result is a value or an error") {
  const Result<int> value(5);
  CHECK(value.ok());
  CHECK(value.value() == 5);
  CHECK(value.error() == Error::kOk);
  const Result<int> error(Error::kOutOfRange);
  CHECK_FALSE(error.ok());
  CHECK(error.error() == Error::kOutOfRange);
}

TEST_CASE("Counters start at zero and count alone") {
  Counters counters;
  counters.Add(Counter::kLateWrites);
  counters.Add(Counter::kLateWrites, uint64_t{1} << 40);
  for (size_t i = 0; i < kCounterCount; ++i) {
    const auto counter = static_cast<Counter>(i);
    CHECK(counters.Get(counter) == (counter == Counter::kLateWrites ? (uint64_t{1} << 40) + 1 : 0));
  }
}

}  // namespace
}  // namespace isotel

#include "context/trace_parent.h"

#include <doctest/doctest.h>

#include <string>

namespace isotel::context {
namespace {

constexpr std::string_view kValid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

bool IsValid(std::string_view header) { return ParseTraceParent(header).ok(); }

std::string With(size_t at, char c) {
  std::string header(kValid);
  header[at] = c;
  return header;
}

TEST_CASE("a traceparent of version 00 gives its identifiers and flags") {
  const Result<TraceParent> parent = ParseTraceParent(kValid);
  REQUIRE(parent.ok());
  CHECK(parent.value().trace_id == "0af7651916cd43dd8448eb211c80319c");
  CHECK(parent.value().span_id == "b7ad6b7169203331");
  CHECK(parent.value().flags == 1);
  CHECK(ParseTraceParent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe").value().flags == 0xFE);
  CHECK(ParseTraceParent(" \t00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00 ").value().flags == 0);
}

TEST_CASE("a traceparent with any character that is not of its place is invalid") {
  for (size_t at = 0; at < kValid.size(); ++at) {
    const bool is_dash = kValid[at] == '-';
    for (const char wrong : {'g', 'A', 'F', ' ', '.', '\0', '\x80'}) CHECK_FALSE(IsValid(With(at, wrong)));
    CHECK_FALSE(IsValid(With(at, is_dash ? '0' : '-')));
  }
}

TEST_CASE("identifiers of zeros, version ff and other lengths are invalid") {
  CHECK_FALSE(IsValid("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
  CHECK_FALSE(IsValid("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"));
  CHECK_FALSE(IsValid("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  for (size_t size = 0; size < kValid.size(); ++size) CHECK_FALSE(IsValid(kValid.substr(0, size)));
  CHECK_FALSE(IsValid(std::string(kValid) + "-"));
  CHECK_FALSE(IsValid(std::string(kValid) + "-extra"));
  CHECK_FALSE(IsValid(std::string(kValid) + "0"));
  CHECK_FALSE(IsValid(std::string(kValid) + "," + std::string(kValid)));
}

TEST_CASE("a version to come is read as far as version 00 goes") {
  CHECK(IsValid("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  CHECK(IsValid("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-has"));
  CHECK(IsValid("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-"));
  CHECK_FALSE(IsValid("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what"));
  CHECK_FALSE(IsValid("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011"));
}

}  // namespace
}  // namespace isotel::context

#include "context/trace_state.h"

#include <doctest/doctest.h>

#include <string>

namespace isotel::context {
namespace {

std::string Parsed(std::string_view header) {
  ByteWriter out;
  const Error error = ParseTraceState(header, out);
  if (error != Error::kOk) CHECK(out.size() == 0);
  return error == Error::kOk ? std::string(out.view()) : "invalid";
}

std::string Members(size_t count, std::string_view value = "1") {
  std::string header;
  for (size_t i = 0; i < count; ++i) {
    header += header.empty() ? "k" : ",k";
    header += std::to_string(i);
    header += '=';
    header += value;
  }
  return header;
}

TEST_CASE("a tracestate loses white space around its members and empty members, nothing else") {
  CHECK(Parsed("a=1,b=2") == "a=1,b=2");
  CHECK(Parsed(" a=1 \t,\t b=2 ") == "a=1,b=2");
  CHECK(Parsed(",a=1,,b=2, ,") == "a=1,b=2");
  CHECK(Parsed("").empty());
  CHECK(Parsed(" , ").empty());
  CHECK(Parsed("a= x") == "a= x");
  CHECK(Parsed("a=!#$%&'()*+-./:;<>?@[\\]^_`{|}~\"") == "a=!#$%&'()*+-./:;<>?@[\\]^_`{|}~\"");
}

TEST_CASE("keys are simple, or of a tenant of a system") {
  for (const char* key : {"a", "az09_-*/", "t@s", "0tenant_-*/@system_-*/"}) {
    CHECK(Parsed(std::string(key) + "=1") == std::string(key) + "=1");
  }
  for (const char* key : {"", "0a", "A", "aB", "a b", "a.b", "@s", "t@", "t@0s", "t@s@u", "_a", "ä", "T@s", "t@S"}) {
    CHECK(Parsed(std::string(key) + "=1") == "invalid");
  }
  CHECK(Parsed(std::string(256, 'a') + "=1") != "invalid");
  CHECK(Parsed(std::string(257, 'a') + "=1") == "invalid");
  CHECK(Parsed(std::string(241, 't') + "@" + std::string(14, 's') + "=1") != "invalid");
  CHECK(Parsed(std::string(242, 't') + "@s=1") == "invalid");
  CHECK(Parsed("t@" + std::string(15, 's') + "=1") == "invalid");
}

TEST_CASE("values are printable ASCII without comma and equals sign") {
  CHECK(Parsed("a=" + std::string(256, 'v')) != "invalid");
  for (const char* member : {"a", "a=", "a=b=c", "a=\x7f", "a=ä", "a=b\tc", "=1"}) CHECK(Parsed(member) == "invalid");
  CHECK(Parsed("a=" + std::string(257, 'v')) == "invalid");
}

TEST_CASE("one bad member, a key that comes twice and a 33rd member drop it all") {
  CHECK(Parsed("a=1,B=2") == "invalid");
  CHECK(Parsed("a=1,b=2,a=3") == "invalid");
  CHECK(Parsed(Members(32)) == Members(32));
  CHECK(Parsed(Members(33)) == "invalid");
}

TEST_CASE("past 512 characters long members go first, then the last ones") {
  const std::string half = "a=" + std::string(253, 'x');
  const std::string other = "b=" + std::string(253, 'x');
  CHECK(Parsed("c=1," + half).size() == 259);
  CHECK(Parsed(half + "," + other).size() == 511);
  CHECK(Parsed("c=1," + half + "," + other + ",d=1") == "c=1," + half + ",d=1");
  const std::string many = Parsed(Members(32, std::string(20, 'v')));
  CHECK(many.size() <= 512);
  CHECK(many.starts_with("k0=vvv"));
  CHECK(many.find("k31") == std::string::npos);
}

}  // namespace
}  // namespace isotel::context

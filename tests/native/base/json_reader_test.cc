#include "base/json_reader.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace isotel {
namespace {

using Json = nlohmann::json;

TEST_CASE("a text is JSON exactly when another reader says so") {
  const char* const texts[] = {"{}",
                               "[]",
                               " [ 1 , 2 ] ",
                               "{\"a\":[{\"b\":null}]}",
                               "\"\\u00e9\\n\"",
                               "-0.5e+10",
                               "0",
                               "true",
                               "",
                               " ",
                               "[",
                               "]",
                               "[1,]",
                               "{\"a\"}",
                               "{a:1}",
                               "{\"a\":1,}",
                               "01",
                               "1.",
                               ".5",
                               "1e",
                               "-",
                               "+1",
                               "nul",
                               "\"\\x\"",
                               "\"\\u12\"",
                               "\"",
                               "\"\n\"",
                               "[1 2]",
                               "{} {}",
                               "[}",
                               "{\"a\" 1}",
                               "\"\\",
                               "1e5",
                               "1E-2",
                               "[true,false]",
                               "{\"\":{}}",
                               "[[[]]]",
                               "\x01",
                               "NaN",
                               "'a'"};
  for (const char* const text : texts) {
    CAPTURE(text);
    CHECK(IsJson(text) == !Json::parse(text, nullptr, false).is_discarded());
  }
}

TEST_CASE("nesting is JSON up to the limit and not beyond it") {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(IsJson(nested(kMaxJsonDepth)));
  CHECK_FALSE(IsJson(nested(kMaxJsonDepth + 1)));
}

// The items as `name=value;`.
std::string Items(std::string_view text) {
  REQUIRE(IsJson(text));
  std::string items;
  for (JsonItems item(text); item.Next();) {
    items += std::string(item.name()) + "=" + std::string(item.value()) + ";";
  }
  return items;
}

TEST_CASE("items are views without space around them") {
  CHECK(Items(R"( { "a" : [1, "x]"] , "b":{"c":"}\""},"a": -2.5 , "" : null } )") ==
        R"(a=[1, "x]"];b={"c":"}\""};a=-2.5;=null;)");
  CHECK(Items("[ 1 , \"x]\" ,[2,{}] \n, {} ]") == R"(=1;="x]";=[2,{}];={};)");
  CHECK(Items(R"([[[["a"]]],{"b":[{}]}])") == R"(=[[["a"]]];={"b":[{}]};)");
  for (const char* const text : {"7", "[]", " { } ", "\"[1]\"", "null"}) {
    CAPTURE(text);
    CHECK(Items(text).empty());
  }
  CHECK_FALSE(JsonItems("").Next());
}

TEST_CASE("an array is told from other values, also with space before it") {
  CHECK(IsJsonArray(" \n[1]"));
  CHECK_FALSE(IsJsonArray("{\"a\":[]}"));
  CHECK_FALSE(IsJsonArray("\"[\""));
  CHECK_FALSE(IsJsonArray(""));
}

TEST_CASE("characters are those of another reader, and lone surrogates are replaced") {
  ByteWriter scratch;
  CHECK(JsonCharacters(R"("\ude00\ude00")", scratch) == "\xEF\xBF\xBD\xEF\xBF\xBD");
  for (const char* const text : {R"("plain")", R"("\"\\\/\b\f\n\r\t")", R"("é \u00e9 \u0041 \uD83D\uDE00 \u20ac")",
                                 R"("")", R"("\u07ff\u0800\uffff")", R"("ends with an escape \\")"}) {
    CHECK(JsonCharacters(text, scratch) == Json::parse(text).get<std::string>());
  }
  CHECK(JsonCharacters(R"("\ud83d|\ude00|\ud83d\u0041")", scratch) ==
        "\xEF\xBF\xBD|\xEF\xBF\xBD|\xEF\xBF\xBD"
        "A");
}

}  // namespace
}  // namespace isotel

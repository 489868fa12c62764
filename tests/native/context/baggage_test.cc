#include "context/baggage.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace isotel::context {
namespace {

struct Entry {
  std::string key;
  std::string value;
  std::string properties;
};

std::vector<Entry> ParseBaggage(std::string_view header) {
  std::vector<Entry> entries;
  BaggageReader reader(header);
  for (BaggageMember member; reader.Next(member);) {
    metrics::ByteWriter value;
    DecodeBaggageValue(member.value, value);
    entries.push_back({std::string(member.key), std::string(value.view()), std::string(member.properties)});
  }
  return entries;
}

std::string FormatBaggage(const std::vector<Entry>& entries) {
  metrics::ByteWriter out;
  BaggageFormatter header(out);
  for (const Entry& entry : entries) header.Add({entry.key, entry.value, entry.properties});
  return std::string(out.view());
}

// key=value;properties, joined by |.
std::string Parsed(std::string_view header) {
  std::string text;
  for (const Entry& member : ParseBaggage(header)) {
    if (!text.empty()) text += '|';
    text += member.key + '=' + member.value;
    if (!member.properties.empty()) text += ';' + member.properties;
  }
  return text;
}

TEST_CASE("a baggage header gives its members, decoded") {
  CHECK(Parsed("userId=alice,serverNode=DF%2028,isProduction=false") ==
        "userId=alice|serverNode=DF 28|isProduction=false");
  CHECK(Parsed(" key1 = value1 ; property1;propertyKey=propertyValue , key2=value2") ==
        "key1=value1;property1;propertyKey=propertyValue|key2=value2");
  CHECK(Parsed("k=%C3%A4%F0%9F%9A%80%2C%3B%25") == "k=ä🚀,;%");
  CHECK(Parsed("k=") == "k=");
  CHECK(Parsed("k=a=b") == "k=a=b");
  CHECK(Parsed("").empty());
}

TEST_CASE("what is no member is left out, and the rest stays") {
  for (const char* bad : {"novalue", "=x", "sp ace=1", "k=a b", "k=\"x\"", "k=back\\slash", "k=\x01", "kä=1", "k(=1",
                          "k=1;p\"", "", " "}) {
    CHECK(Parsed(std::string("a=1,") + bad + ",b=2") == "a=1|b=2");
  }
}

TEST_CASE("a percent sign that starts no byte stands for itself, and bytes that are no UTF-8 are U+FFFD") {
  CHECK(Parsed("k=%") == "k=%");
  CHECK(Parsed("k=%4") == "k=%4");
  CHECK(Parsed("k=%zz%41%4g") == "k=%zzA%4g");
  CHECK(Parsed("k=a%FFb%C3") ==
        "k=a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD");
  CHECK(Parsed("k=%ED%A0%80") == "k=\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("a header is made of members, and read back gives them again") {
  const std::vector<Entry> members{{"user", "älice, 100%;\"\\ \n", ""}, {"k", "", "p1;p2=x"}};
  const std::string header = FormatBaggage(members);
  CHECK(header == "user=%C3%A4lice%2C%20100%25%3B%22%5C%20%0A,k=;p1;p2=x");
  const std::vector<Entry> again = ParseBaggage(header);
  REQUIRE(again.size() == 2);
  CHECK(again[0].value == members[0].value);
  CHECK(again[1].properties == members[1].properties);
  CHECK(FormatBaggage({}).empty());
  CHECK(FormatBaggage({{"bad key", "x", ""}, {"a", "1", ""}, {"b", "2", "p,q"}, {"", "3", ""}}) == "a=1");
}

TEST_CASE("180 members and 8,192 bytes are the limit of both directions") {
  std::string header;
  std::vector<Entry> members;
  for (int i = 0; i < 200; ++i) {
    header += 'k' + std::to_string(i) + "=1,";
    members.push_back({'k' + std::to_string(i), "1", ""});
  }
  CHECK(ParseBaggage(header).size() == 180);
  CHECK(ParseBaggage(FormatBaggage(members)).size() == 180);
  const std::string long_value(5'000, 'v');
  CHECK(Parsed("a=" + long_value + ",b=" + long_value) == "a=" + long_value);
  CHECK(FormatBaggage({{"a", long_value, ""}, {"b", long_value, ""}, {"c", "1", ""}}) == "a=" + long_value + ",c=1");
  CHECK(Parsed("a=" + std::string(9'000, 'v')).empty());
}

}  // namespace
}  // namespace isotel::context

#include "base/wire.h"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <string>

namespace isotel {
namespace {

TEST_CASE("Numbers and bytes come back as they were written") {
  std::mt19937_64 random(1);
  ByteWriter writer;
  std::vector<uint64_t> values;
  for (int i = 0; i < 1'000; ++i) values.push_back(random() >> (random() % 64));
  values.push_back(UINT64_MAX);
  for (const uint64_t value : values) {
    writer.Varint(value);
    writer.SignedVarint(static_cast<int64_t>(value));
    writer.Fixed64(value);
    writer.Fixed32(static_cast<uint32_t>(value));
    writer.Double(static_cast<double>(value));
    writer.Bytes(std::string(value % 200, 'x'));
  }
  ByteReader reader(writer.view());
  for (const uint64_t value : values) {
    CHECK(reader.Varint() == value);
    CHECK(reader.SignedVarint() == static_cast<int64_t>(value));
    CHECK(reader.Fixed64() == value);
    CHECK(reader.Fixed32() == static_cast<uint32_t>(value));
    CHECK(reader.Double() == static_cast<double>(value));
    CHECK(reader.Bytes().size() == value % 200);
  }
  CHECK(reader.Done());
}

TEST_CASE("A cut anywhere fails the reader for good") {
  ByteWriter writer;
  writer.Varint(1'000'000);
  writer.Fixed64(7);
  writer.Bytes("hello");
  for (size_t size = 0; size < writer.size(); ++size) {
    ByteReader reader(writer.view().substr(0, size));
    (void)reader.Varint();
    (void)reader.Fixed64();
    (void)reader.Bytes();
    CHECK_FALSE(reader.ok());
    CHECK(reader.Varint() == 0);
    CHECK(reader.remaining() == 0);
    CHECK_FALSE(reader.Done());
  }
}

TEST_CASE("A varint past 64 bits is refused") {
  ByteReader longest(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10));
  CHECK(longest.Varint() == UINT64_MAX);
  CHECK(longest.Done());
  ByteReader wide(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
  (void)wide.Varint();
  CHECK_FALSE(wide.ok());
  ByteReader endless(std::string_view("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12));
  (void)endless.Varint();
  CHECK_FALSE(endless.ok());
}

TEST_CASE("A length past the end is refused however large it is") {
  ByteWriter writer;
  writer.Varint(UINT64_MAX);
  ByteReader reader(writer.view());
  CHECK(reader.Bytes().empty());
  CHECK_FALSE(reader.ok());
}

TEST_CASE("The hash tells apart what is nearly equal") {
  std::set<uint64_t> hashes;
  std::string text;
  for (int i = 0; i < 100; ++i) {
    hashes.insert(Hash(text));
    text += '\0';
  }
  CHECK(hashes.size() == 100);
  CHECK(Hash("ab") != Hash("ba"));
  CHECK(Hash("abcdefgh12345678") != Hash("12345678abcdefgh"));
  // Stored bytes depend on it.
  CHECK(Hash("isotel") == 4160800505100018542U);
}

}  // namespace
}  // namespace isotel

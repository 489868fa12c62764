#include "metrics/message.h"

#include <doctest/doctest.h>

#include <string>

namespace isotel::metrics {
namespace {

TEST_CASE("A message is recognised by its letters, its version and its checksum") {
  ByteWriter writer;
  const size_t start = BeginMessage(writer, "ISX");
  writer.Raw("payload");
  EndMessage(writer, start);
  const std::string message(writer.view());
  const Result<Message> opened = OpenMessage(message, "ISX");
  REQUIRE(opened.ok());
  CHECK(opened.value().version == FormatVersion("ISX"));
  CHECK(opened.value().contents.rest() == "payload");
  CHECK(OpenMessage(message, "ISY").error() == Error::kCorrupt);
  CHECK(OpenMessage("", "ISX").error() == Error::kCorrupt);
  for (size_t size = 0; size < message.size(); ++size) {
    CHECK(OpenMessage(message.substr(0, size), "ISX").error() == Error::kCorrupt);
  }
  for (size_t at = 0; at < message.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = message;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const bool is_newer = at == 3 && static_cast<uint8_t>(damaged[at]) > FormatVersion("ISX");
      CHECK(OpenMessage(damaged, "ISX").error() == (is_newer ? Error::kUnknownVersion : Error::kCorrupt));
    }
  }
}

}  // namespace
}  // namespace isotel::metrics

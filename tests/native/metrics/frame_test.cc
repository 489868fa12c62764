#include "metrics/frame.h"

#include <doctest/doctest.h>

#include "metrics_double.h"

namespace isotel::metrics {
namespace {

ProducerId IdOf(std::string_view hex) {
  ProducerId id{};
  for (size_t i = 0; i < id.size(); ++i) {
    id[i] = static_cast<uint8_t>(std::stoi(std::string(hex.substr(2 * i, 2)), nullptr, 16));
  }
  return id;
}

TEST_CASE("The shard of a producer goes by the number in its identifier, and without one by the given number") {
  // Known answers: identifiers are in stored totals and in queues.
  const ProducerId marked = IdOf("00000080aabbccddeeff012304c37b60");
  for (const uint32_t shards : {1U, 7U, 256U}) CHECK(ShardOf(marked, shards) == 0x80000000 % 5);
  for (size_t at = 0; at < marked.size(); ++at) {
    ProducerId changed = marked;
    changed[at] ^= 1;
    uint32_t number = 0;
    std::memcpy(&number, changed.data(), sizeof number);
    CHECK(ShardOf(changed, 7) == number % 7);
  }
  for (const uint64_t number : {uint64_t{0}, uint64_t{1}, uint64_t{0xffffffff}}) {
    CHECK(ShardOf(MakeProducer(number), 3) == number % 3);
  }
}

}  // namespace
}  // namespace isotel::metrics

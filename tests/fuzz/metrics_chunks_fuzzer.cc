// State from anywhere: a list of {key, length, bytes} is loaded; what loads can be published, stored and loaded again.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "metrics/aggregator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isotel;
  using namespace isotel::metrics;
  ByteReader input(std::string_view(reinterpret_cast<const char*>(data), size));
  Aggregator aggregator{AggregatorOptions{}};
  while (input.remaining() > 0) {
    const uint32_t key = (uint32_t{input.Byte()} << 24) | input.Byte();
    ByteWriter chunk;
    chunk.Raw("ISC\x01");
    chunk.Fixed32(key);
    chunk.Raw(input.Bytes());
    chunk.Fixed32(static_cast<uint32_t>(Hash(chunk.view())));
    if (aggregator.Load(key, chunk.view()) != Error::kOk) return 0;
  }
  if (aggregator.FinishLoad() != Error::kOk) return 0;
  ByteWriter writer;
  if (aggregator.WriteSnapshot(1'000, writer) != Error::kOk) std::abort();
  if (aggregator.Prune(1e12) != Error::kOk) std::abort();
  if (aggregator.TakeChanges(writer) != Error::kOk) std::abort();
  return 0;
}

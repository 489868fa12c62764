// State from anywhere: a list of {key, length, bytes} is loaded, and records of producers are restored; what loads can be
// published and stored.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "metrics/aggregator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isotel;
  using namespace isotel::metrics;
  ByteReader input(std::string_view(reinterpret_cast<const char*>(data), size));
  Aggregator aggregator{AggregatorOptions{}};
  std::vector<std::string> records;
  while (input.remaining() > 0) {
    const uint32_t type = input.Byte();
    const uint32_t key = ((type & 0x7f) << 24) | input.Byte();
    const bool is_record = key >= kArchivedKey;
    const bool is_current = (type & 0x80) != 0;
    ByteWriter chunk;
    chunk.Raw(is_record ? "ISP\x03" : is_current ? "ISC\x03" : "ISC\x01");
    if (!is_record) chunk.Fixed32(key);
    chunk.Raw(input.Bytes());
    chunk.Fixed32(static_cast<uint32_t>(Hash(chunk.view())));
    if (is_record) {
      records.emplace_back(chunk.view());
      continue;
    }
    if (aggregator.Load(key, chunk.view()) != Error::kOk) return 0;
  }
  if (aggregator.FinishLoad() != Error::kOk) return 0;
  for (const std::string& record : records) {
    Producers::Stored stored{{}, 1'000, record};
    // Under its own identifier, or under zeros.
    if (record.size() % 3 > 0) record.copy(reinterpret_cast<char*>(stored.id.data()), stored.id.size(), kRecordIdAt);
    const bool is_restored = record.size() % 2 == 0;
    const Error error = is_restored ? aggregator.Restore(stored) : aggregator.Expire(stored, 1e12).error();
    if (error == Error::kCorrupt) return 0;
    if (error != Error::kOk && error != Error::kRecordDamaged) std::abort();
  }
  ByteWriter writer;
  if (aggregator.WriteSnapshot(1'000, writer) != Error::kOk) std::abort();
  if (aggregator.Prune(1e12) != Error::kOk) std::abort();
  if (aggregator.TakeChanges(writer) != Error::kOk) std::abort();
  return 0;
}

// Frames from anywhere: whatever the bytes, applying them ends quickly with an answer, and one that is refused
// leaves no trace in the totals. The checksum is put right, or hardly anything would get past it.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "exposition/exposition.h"
#include "metrics/aggregator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isotel;
  using namespace isotel::metrics;
  std::string bytes("ISF\x01", 4);
  bytes.append(reinterpret_cast<const char*>(data), size);
  const auto checksum = static_cast<uint32_t>(Hash(bytes));
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);

  Aggregator aggregator{AggregatorOptions{}};
  if (!aggregator.Apply(bytes, 1'000).ok()) {
    if (!aggregator.store().families().empty() || aggregator.producers() != 0) std::abort();
    return 0;
  }
  if (aggregator.Apply(bytes, 1'000).value() != Aggregator::Applied::kDuplicate) std::abort();

  // What was taken can be stored, loaded, published and shown.
  ByteWriter writer;
  Aggregator loaded{AggregatorOptions{}};
  if (aggregator.TakeChanges(writer) != Error::kOk) std::abort();
  ByteReader list(writer.view());
  for (Chunk chunk; list.remaining() > 0 && NextChunk(list, chunk);) {
    if (loaded.Load(chunk.key, chunk.bytes) != Error::kOk) std::abort();
  }
  if (loaded.FinishLoad() != Error::kOk) std::abort();
  ByteWriter first;
  ByteWriter second;
  if (aggregator.WriteSnapshot(1'000, first) != Error::kOk) std::abort();
  if (loaded.WriteSnapshot(1'000, second) != Error::kOk) std::abort();
  if (first.view() != second.view()) std::abort();
  Snapshot snapshot;
  if (snapshot.Merge(first.view()) != Error::kOk) std::abort();
  for (uint32_t format = 0; format < exposition::kFormatCount; ++format) {
    exposition::Render(snapshot, static_cast<exposition::Format>(format), {}, writer);
  }
  return 0;
}

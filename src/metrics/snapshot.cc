#include "metrics/snapshot.h"

#include "metrics/message.h"

namespace isotel::metrics {
namespace {

constexpr std::string_view kMagic = "ISS";
// No build has more counters.
constexpr uint32_t kMaxCounters = 1'000;

void MergeInfo(ByteReader& reader, SnapshotInfo& info) {
  info.version += reader.Varint();
  const uint64_t unix_ms = reader.Fixed64();
  if (unix_ms > info.unix_ms) info.unix_ms = unix_ms;
  info.counters.Merge(reader);
}

}  // namespace

void AggregatorCounters::Write(ByteWriter& writer) const {
  writer.Varint(values_.size());
  for (const uint64_t value : values_) writer.Varint(value);
}

void AggregatorCounters::Merge(ByteReader& reader) {
  const uint32_t count = reader.Bounded(kMaxCounters);
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t value = reader.Varint();
    if (i < values_.size()) values_[i] += value;
  }
}

Result<SnapshotInfo> PeekSnapshot(std::string_view bytes) {
  Result<Message> message = OpenMessage(bytes, kMagic);
  if (!message.ok()) return message.error();
  SnapshotInfo info;
  MergeInfo(message.value().contents, info);
  if (!message.value().contents.ok()) return Error::kCorrupt;
  return info;
}

Error Snapshot::Merge(std::string_view bytes) {
  Result<Message> message = OpenMessage(bytes, kMagic);
  if (!message.ok()) return message.error();
  ByteReader& reader = message.value().contents;
  MergeInfo(reader, info_);
  return store_.MergeBody(reader, nullptr);
}

void Snapshot::Write(const SnapshotInfo& info, const Store& store, ByteWriter& writer) {
  writer.Clear();
  const size_t start = BeginMessage(writer, kMagic);
  writer.Varint(info.version);
  writer.Fixed64(info.unix_ms);
  info.counters.Write(writer);
  store.WriteBody(writer, true);
  EndMessage(writer, start);
}

}  // namespace isotel::metrics

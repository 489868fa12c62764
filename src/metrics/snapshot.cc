#include "metrics/snapshot.h"

#include "metrics/frame.h"
#include "metrics/message.h"

namespace isotel::metrics {
namespace {

constexpr std::string_view kMagic = "ISS";
// No build has more counters.
constexpr uint32_t kMaxCounters = 1'000;

// Returns when the snapshot was written.
uint64_t MergeInfo(ByteReader& reader, uint8_t version, SnapshotInfo& info) {
  info.version += reader.Varint();
  const uint64_t unix_ms = reader.Fixed64();
  if (unix_ms > info.unix_ms) info.unix_ms = unix_ms;
  // Before version 3, series did not expire.
  const uint64_t expiry_ms = version > 2 ? reader.Varint() : kNeverMs;
  if (expiry_ms > info.series_expiry_ms) info.series_expiry_ms = expiry_ms;
  info.counters.Merge(reader);
  return unix_ms;
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
  (void)MergeInfo(message.value().contents, message.value().version, info);
  if (!message.value().contents.ok()) return Error::kCorrupt;
  return info;
}

Error Snapshot::Merge(std::string_view bytes) {
  Result<Message> message = OpenMessage(bytes, kMagic);
  if (!message.ok()) return message.error();
  auto& [version, reader] = message.value();
  const uint64_t unix_ms = MergeInfo(reader, version, info_);
  return store_.MergeBody(reader, nullptr, version > 2 ? unix_ms : 0);
}

bool Snapshot::IsExpired(const Series& series, double now_unix_ms) const {
  if (info_.series_expiry_ms == kNeverMs || series.written_unix_ms == 0) return false;
  return series.written_unix_ms + info_.series_expiry_ms < ToUnixMs(now_unix_ms);
}

void Snapshot::Write(const SnapshotInfo& info, const Store& store, ByteWriter& writer) {
  writer.Clear();
  const size_t start = BeginMessage(writer, kMagic);
  writer.Varint(info.version);
  writer.Fixed64(info.unix_ms);
  writer.Varint(info.series_expiry_ms);
  info.counters.Write(writer);
  store.WriteBody(writer, info.unix_ms);
  EndMessage(writer, start);
}

}  // namespace isotel::metrics

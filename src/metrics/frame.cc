#include "metrics/frame.h"

#include <cstring>

#include "base/limits.h"
#include "metrics/message.h"

namespace isotel::metrics {
namespace {

constexpr size_t kShardsAt = 12;
constexpr size_t kTagAt = 13;

// FNV-1a, folded to 24 bits. A host without this module computes it too.
uint32_t TagOf(const ProducerId& producer) {
  uint32_t hash = 0x811c9dc5;
  for (size_t at = 0; at < kTagAt; ++at) hash = (hash ^ producer[at]) * 0x01000193;
  return (hash >> 24) ^ (hash & 0xffffff);
}

}  // namespace

uint32_t ShardOf(const ProducerId& producer, uint32_t shards) {
  uint32_t number = 0;
  std::memcpy(&number, producer.data(), sizeof number);
  uint32_t last = 0;
  std::memcpy(&last, producer.data() + kShardsAt, sizeof last);
  const bool is_marked = last >> 8 == TagOf(producer);
  return number % (is_marked ? (last & 0xff) + 1 : shards);
}

void BeginFrame(const FrameHeader& header, ByteWriter& writer) {
  writer.Clear();
  (void)BeginMessage(writer, kFrameMagic);
  writer.Raw(BytesOf(header.producer));
  writer.Varint(header.sequence);
  writer.Fixed64(header.unix_ms);
}

Result<OpenFrame> ReadFrame(std::string_view bytes) {
  if (bytes.size() > kMaxFrameBytes && !IsNewerMessage(bytes, kFrameMagic)) return Error::kTooLarge;
  const Result<Message> message = OpenMessage(bytes, kFrameMagic);
  if (!message.ok()) return message.error();
  OpenFrame frame{message.value().version, {}, message.value().contents};
  const std::string_view producer = frame.body.Raw(frame.header.producer.size());
  if (!producer.empty()) std::memcpy(frame.header.producer.data(), producer.data(), producer.size());
  frame.header.sequence = frame.body.Varint();
  frame.header.unix_ms = frame.body.Fixed64();
  const bool in_range =
      frame.header.sequence >= 1 && frame.header.sequence <= kMaxSequence && frame.header.unix_ms <= kMaxUnixMs;
  if (!frame.body.ok() || !in_range) return Error::kCorrupt;
  return frame;
}

Result<ProducerId> ProducerOf(std::string_view bytes) {
  if (!IsNewerMessage(bytes, kFrameMagic)) {
    const Result<OpenFrame> frame = ReadFrame(bytes);
    if (!frame.ok()) return frame.error();
    return frame.value().header.producer;
  }
  constexpr size_t kProducerAt = kFrameMagic.size() + 1;
  ProducerId producer;
  if (bytes.size() < kProducerAt + producer.size()) return Error::kCorrupt;
  std::memcpy(producer.data(), bytes.data() + kProducerAt, producer.size());
  return producer;
}

uint64_t ToUnixMs(double unix_ms) {
  constexpr auto kMax = static_cast<double>(kMaxUnixMs);
  if (!(unix_ms > 0)) return 0;
  return static_cast<uint64_t>(unix_ms < kMax ? unix_ms : kMax);
}

}  // namespace isotel::metrics

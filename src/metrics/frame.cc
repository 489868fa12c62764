#include "metrics/frame.h"

#include <cstring>

#include "base/limits.h"
#include "metrics/message.h"

namespace isotel::metrics {
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

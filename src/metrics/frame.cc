#include "metrics/frame.h"

#include <cstring>

#include "base/limits.h"

namespace isotel::metrics {
namespace {

constexpr std::string_view kMagic = "ISF";

}  // namespace

void BeginFrame(const FrameHeader& header, ByteWriter& writer) {
  writer.Clear();
  (void)BeginMessage(writer, kMagic);
  writer.Raw({reinterpret_cast<const char*>(header.producer.data()), header.producer.size()});
  writer.Varint(header.sequence);
  writer.Fixed64(header.unix_ms);
}

Result<OpenFrame> ReadFrame(std::string_view bytes) {
  if (bytes.size() > kMaxFrameBytes) return Error::kTooLarge;
  const Result<ByteReader> message = OpenMessage(bytes, kMagic);
  if (!message.ok()) return message.error();
  OpenFrame frame{{}, message.value()};
  const std::string_view producer = frame.body.Raw(frame.header.producer.size());
  if (!producer.empty()) std::memcpy(frame.header.producer.data(), producer.data(), producer.size());
  frame.header.sequence = frame.body.Varint();
  frame.header.unix_ms = frame.body.Fixed64();
  const bool in_range =
      frame.header.sequence >= 1 && frame.header.sequence <= kMaxSequence && frame.header.unix_ms <= kMaxUnixMs;
  if (!frame.body.ok() || !in_range) return Error::kCorrupt;
  return frame;
}

uint64_t ToUnixMs(double unix_ms) {
  constexpr auto kMax = static_cast<double>(kMaxUnixMs);
  if (!(unix_ms > 0)) return 0;
  return static_cast<uint64_t>(unix_ms < kMax ? unix_ms : kMax);
}

}  // namespace isotel::metrics

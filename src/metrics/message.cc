#include "metrics/message.h"

namespace isotel::metrics {
namespace {

constexpr size_t kMagicBytes = 3;
constexpr size_t kChecksumBytes = 4;

uint32_t Checksum(std::string_view bytes) { return static_cast<uint32_t>(Hash(bytes)); }

}  // namespace

uint8_t FormatVersion([[maybe_unused]] std::string_view magic) {
  // The build compiles this file a second time with a later version. Tests of rolling deployments run both builds.
#ifdef ISOTEL_FORMAT_VERSION
  return ISOTEL_FORMAT_VERSION;
#else
  if (magic == kFrameMagic) return 1;
  return magic == kChunkMagic || magic == kProducerMagic ? 3 : 2;
#endif
}

size_t BeginMessage(ByteWriter& writer, std::string_view magic) {
  const size_t start = writer.size();
  writer.Raw(magic);
  writer.Byte(FormatVersion(magic));
  return start;
}

void EndMessage(ByteWriter& writer, size_t start) { writer.Fixed32(Checksum(writer.view().substr(start))); }

bool IsNewerMessage(std::string_view bytes, std::string_view magic) {
  return bytes.size() > kMagicBytes && bytes.starts_with(magic) &&
         static_cast<uint8_t>(bytes[kMagicBytes]) > FormatVersion(magic);
}

Result<Message> OpenMessage(std::string_view bytes, std::string_view magic) {
  if (IsNewerMessage(bytes, magic)) return Error::kUnknownVersion;
  constexpr size_t kHeadBytes = kMagicBytes + 1;
  if (bytes.size() < kHeadBytes + kChecksumBytes || !bytes.starts_with(magic)) return Error::kCorrupt;
  const auto version = static_cast<uint8_t>(bytes[kMagicBytes]);
  if (version < kOldestFormatVersion) return Error::kCorrupt;
  const size_t end = bytes.size() - kChecksumBytes;
  if (ByteReader(bytes.substr(end)).Fixed32() != Checksum(bytes.substr(0, end))) return Error::kCorrupt;
  return Message{version, ByteReader(bytes.substr(kHeadBytes, end - kHeadBytes))};
}

}  // namespace isotel::metrics

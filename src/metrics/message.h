// The frame around every binary message: three letters that name its kind, the format version, the contents and a
// checksum of all before it. A build writes the current version and reads every version from kOldestFormatVersion on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/wire.h"

namespace isotel::metrics {

/// Returns the version that this build writes of a kind of message.
[[nodiscard]] uint8_t FormatVersion(std::string_view magic);
inline constexpr uint8_t kOldestFormatVersion = 1;
inline constexpr std::string_view kFrameMagic = "ISF";
inline constexpr std::string_view kChunkMagic = "ISC";
inline constexpr std::string_view kProducerMagic = "ISP";

/// Appends the head of a message. Returns where the message starts, for EndMessage().
[[nodiscard]] size_t BeginMessage(ByteWriter& writer, std::string_view magic);
/// Appends the checksum.
void EndMessage(ByteWriter& writer, size_t start);

/// Returns whether the bytes are a message of this kind in a version that this build cannot read yet. Reads nothing
/// after the version: a newer version defines the rest, its checksum included.
[[nodiscard]] bool IsNewerMessage(std::string_view bytes, std::string_view magic);

/// A message that was opened. A reader of the contents checks `version` where versions differ.
struct Message {
  uint8_t version = 0;
  ByteReader contents;
};
/// Returns kCorrupt for other letters, missing bytes, a wrong checksum or a version below kOldestFormatVersion, and
/// kUnknownVersion for a newer one.
Result<Message> OpenMessage(std::string_view bytes, std::string_view magic);

}  // namespace isotel::metrics

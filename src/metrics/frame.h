// Delta frames: what one producer recorded since its last flush, in one self-contained message.
#pragma once

#include <array>
#include <cstdint>

#include "metrics/wire.h"

namespace isotel::metrics {

/// 128 random bits, of the producer's own choosing.
using ProducerId = std::array<uint8_t, 16>;

struct FrameHeader {
  ProducerId producer{};
  uint64_t sequence = 0;  ///< 1, 2, 3, ... of this producer
  uint64_t unix_ms = 0;   ///< when the frame was made
};

inline constexpr uint64_t kMaxSequence = uint64_t{1} << 62;

/// Far in the future, and still a time that others can be added to.
inline constexpr uint64_t kMaxUnixMs = 9'000'000'000'000'000;

/// Starts a frame in the empty `writer`; a body and EndMessage() from 0 follow.
void BeginFrame(const FrameHeader& header, ByteWriter& writer);

struct OpenFrame {
  uint8_t version = 0;
  FrameHeader header;
  ByteReader body;
};
/// kUnknownVersion for a newer version, kTooLarge past kMaxFrameBytes, kCorrupt. The body is not looked at.
Result<OpenFrame> ReadFrame(std::string_view bytes);

/// The producer of a frame, also of one in a newer version: it follows the version in all of them. The errors of
/// ReadFrame(), kCorrupt for a newer frame that is cut within its producer.
Result<ProducerId> ProducerOf(std::string_view bytes);

/// A time in milliseconds as the formats carry it: 0 for what is negative or not a number.
[[nodiscard]] uint64_t ToUnixMs(double unix_ms);

}  // namespace isotel::metrics

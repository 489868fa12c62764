// Delta frames: one self-contained message with what a producer recorded since its last flush.
#pragma once

#include <array>
#include <cstdint>

#include "base/result.h"
#include "base/wire.h"

namespace isotel::metrics {

/// Random bits that the producer chose. If it knew the number of shards, the bytes 12 to 15 are that number less 1 and a
/// tag, which is a hash of the bytes before it; see bindings/metrics/shards.ts.
using ProducerId = std::array<uint8_t, 16>;

struct FrameHeader {
  ProducerId producer{};
  uint64_t sequence = 0;  ///< 1, 2, 3, ... of this producer
  uint64_t unix_ms = 0;   ///< when the frame was made
};

inline constexpr uint64_t kMaxSequence = uint64_t{1} << 62;

/// Far in the future, and small enough that sums do not overflow.
inline constexpr uint64_t kMaxUnixMs = 9'000'000'000'000'000;

/// Clears `writer` and starts a frame in it. Write a body next, then call EndMessage(writer, 0).
void BeginFrame(const FrameHeader& header, ByteWriter& writer);

struct OpenFrame {
  uint8_t version = 0;
  FrameHeader header;
  ByteReader body;
};
/// Reads the header of a frame and no body. Returns kUnknownVersion for a newer version, kTooLarge past kMaxFrameBytes,
/// or kCorrupt.
Result<OpenFrame> ReadFrame(std::string_view bytes);

/// Returns the producer of a frame, also of a newer version: in every version it follows the version. Returns the
/// errors of ReadFrame(), and kCorrupt for a newer frame that ends within its producer.
Result<ProducerId> ProducerOf(std::string_view bytes);

/// Returns the shard of a producer: by the number of shards in its identifier if it has one, otherwise by `shards`, which
/// is not 0.
[[nodiscard]] uint32_t ShardOf(const ProducerId& producer, uint32_t shards);

/// Returns a time in whole milliseconds, at most kMaxUnixMs. Returns 0 for negative times and NaN.
[[nodiscard]] uint64_t ToUnixMs(double unix_ms);

}  // namespace isotel::metrics

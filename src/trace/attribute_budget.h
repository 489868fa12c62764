// Decides which attribute values of a span are kept whole, cut or dropped when they do not all fit.
//
// Every text longer than a common length is cut to that length, so that short values (ids, numbers, usage) survive long
// ones. If that is not enough, values are dropped one by one, the one that is largest after cutting first: a document
// that cannot be cut before a text that can. No text is cut below kMinCutBytes.
#pragma once

#include <cstdint>
#include <span>

namespace isotel::trace {

/// Members have no initial values, because hot paths make arrays of them.
struct AttributeSize {
  uint32_t key_bytes;
  uint32_t value_bytes;
  bool cuttable;  ///< a plain text; a cut number or JSON document is useless
};

/// A decision about a value: keep all of it, drop it (0), or cut it to a number of bytes.
inline constexpr uint32_t kKeepAll = UINT32_MAX;

struct FitResult {
  uint64_t bytes = 0;  ///< key and value bytes of what is kept
  uint32_t dropped = 0;
  uint32_t cut = 0;
};

/// Fits `sizes` into `available_bytes`, with no value above `max_value_bytes`. Writes one decision per size to `keep`,
/// which must be at least as long as `sizes`. Takes O(n log n) time, and O(n) for each value that is dropped.
FitResult Fit(std::span<const AttributeSize> sizes, uint32_t available_bytes, uint32_t max_value_bytes,
              std::span<uint32_t> keep);

}  // namespace isotel::trace

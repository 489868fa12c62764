// Bucket counts on the wire: runs of consecutive non-zero counts, each as its length, the number of empty
// buckets before it and the counts; a length of zero ends the list.
#pragma once

#include <span>
#include <vector>

#include "metrics/wire.h"

namespace isotel::metrics {

void WriteSpans(std::span<const uint64_t> counts, ByteWriter& writer);

/// Adds what WriteSpans() wrote to `counts`, of which there are `size`; only reads it when `counts` is null.
/// Fails the reader when the runs go past `size`.
void AddSpans(ByteReader& reader, size_t size, uint64_t* counts);

/// Reads into `counts`, made as long as the runs reach and at most `max_size`; fails the reader past that.
void ReadSpans(ByteReader& reader, size_t max_size, std::vector<uint64_t>& counts);

}  // namespace isotel::metrics

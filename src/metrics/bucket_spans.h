// Bucket counts on the wire: spans of consecutive non-zero counts. A span is its length, the number of empty buckets
// before it and the counts. A length of zero ends the list.
#pragma once

#include <span>
#include <vector>

#include "base/wire.h"

namespace isotel::metrics {

void WriteSpans(std::span<const uint64_t> counts, ByteWriter& writer);

/// Reads what WriteSpans() wrote and adds it to the `size` numbers at `counts`. Only reads when `counts` is null. Fails
/// the reader when a span goes past `size`.
void AddSpans(ByteReader& reader, size_t size, uint64_t* counts);

/// Reads what WriteSpans() wrote into `counts`, which ends with the last span. Fails the reader past `max_size`.
void ReadSpans(ByteReader& reader, size_t max_size, std::vector<uint64_t>& counts);

}  // namespace isotel::metrics

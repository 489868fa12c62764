#include "metrics/bucket_spans.h"

namespace isotel::metrics {
namespace {

// Reads the head of the next span. Returns where it starts, and its length in `length`: 0 at the end. `at` is the end
// of the span before.
size_t NextRun(ByteReader& reader, size_t at, size_t max_size, size_t& length) {
  const uint64_t run = reader.Varint();
  length = 0;
  if (run == 0) return at;
  const uint64_t gap = reader.Varint();
  if (gap > max_size - at || run > max_size - at - gap) return reader.Fail(), at;
  length = static_cast<size_t>(run);
  return at + static_cast<size_t>(gap);
}

}  // namespace

void WriteSpans(std::span<const uint64_t> counts, ByteWriter& writer) {
  size_t written = 0;
  for (size_t at = 0; at < counts.size();) {
    if (counts[at] == 0) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < counts.size() && counts[end] != 0) ++end;
    writer.Varint(end - at);
    writer.Varint(at - written);
    for (; at < end; ++at) writer.Varint(counts[at]);
    written = end;
  }
  writer.Varint(0);
}

void AddSpans(ByteReader& reader, size_t size, uint64_t* counts) {
  size_t length = 0;
  for (size_t at = NextRun(reader, 0, size, length); length > 0; at = NextRun(reader, at, size, length)) {
    reader.AddVarints(counts == nullptr ? nullptr : counts + at, length);
    at += length;
  }
}

void ReadSpans(ByteReader& reader, size_t max_size, std::vector<uint64_t>& counts) {
  size_t length = 0;
  for (size_t at = NextRun(reader, 0, max_size, length); length > 0; at = NextRun(reader, at, max_size, length)) {
    counts.resize(at + length);
    reader.AddVarints(counts.data() + at, length);
    at += length;
  }
}

}  // namespace isotel::metrics

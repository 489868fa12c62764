// Snapshots from anywhere: merging them ends with an answer, and what was merged can be written, read and shown.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "exposition/exposition.h"
#include "otlp/metric_delta.h"
#include "otlp/metrics.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isotel;
  using namespace isotel::metrics;
  std::string bytes("ISS\x01", 4);
  bytes.append(reinterpret_cast<const char*>(data), size);
  const auto checksum = static_cast<uint32_t>(Hash(bytes));
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);

  Snapshot snapshot;
  if (snapshot.Merge(bytes) != Error::kOk) return 0;
  ByteWriter written;
  snapshot.Write(written);
  const std::string canonical(written.view());
  Snapshot again;
  if (again.Merge(canonical) != Error::kOk) std::abort();
  again.Write(written);
  if (written.view() != canonical) std::abort();
  for (uint32_t format = 0; format < exposition::kFormatCount; ++format) {
    for (uint32_t escaping = 0; escaping < exposition::kEscapingCount; ++escaping) {
      exposition::Render(snapshot, static_cast<exposition::Format>(format),
                         {static_cast<exposition::Escaping>(escaping), true, 1'000}, written);
    }
  }
  const auto series = static_cast<uint32_t>(snapshot.store().series().size());
  Snapshot taken;
  otlp::RecordExported(again, 0, series / 2, taken);
  // A resource without attributes and a scope without a name.
  const uint64_t head[2 + otlp::BatchReader::kSlackBytes / sizeof(uint64_t)] = {};
  for (const otlp::Format format : {otlp::Format::kProtobuf, otlp::Format::kJson}) {
    for (const otlp::Temporality temporality : {otlp::Temporality::kCumulative, otlp::Temporality::kDelta}) {
      otlp::BatchReader reader(reinterpret_cast<const char*>(head), {.words = 4});
      otlp::MetricsOptions options{.format = format, .temporality = temporality, .before = &taken};
      const otlp::EncodedMetrics whole = otlp::EncodeMetrics(reader, snapshot, options, written);
      if (whole.request.error == Error::kTooLarge) continue;
      if (whole.request.error != Error::kOk || whole.next != series) std::abort();
      // In parts it is the same.
      options.enough_bytes = 300;
      uint32_t points = 0;
      while (options.first < series) {
        otlp::BatchReader again_head(reinterpret_cast<const char*>(head), {.words = 4});
        const otlp::EncodedMetrics part = otlp::EncodeMetrics(again_head, snapshot, options, written);
        if (part.request.error != Error::kOk || part.next <= options.first) std::abort();
        options.first = part.next;
        points += part.points;
      }
      if (points != whole.points) std::abort();
    }
  }
  return 0;
}

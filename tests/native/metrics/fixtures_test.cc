// Bytes written by earlier builds, kept for good: what was stored or is still in a queue has to stay readable.
//
// A change of a format adds fixtures of the new version beside the old ones and never rewrites a file. The files are of
// two producers with one family of each kind. ISOTEL_WRITE_FIXTURES=1 writes those that are missing.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "exposition/exposition.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(ISOTEL_SOURCE_DIR) / "tests/native/metrics/fixtures";

// The fixture, first written with `bytes` when that is asked for.
std::string Fixture(const std::string& name, const std::string& bytes) {
  const std::filesystem::path path = kFolder / name;
  if (std::getenv("ISOTEL_WRITE_FIXTURES") != nullptr && !std::filesystem::exists(path)) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path.string());
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> WriteFrames() {
  std::vector<std::string> frames;
  for (uint64_t number = 1; number <= 2; ++number) {
    Registry registry(MakeProducer(0x0123456789abcdef * number));
    for (const Declaration& declaration : SampleDeclarations()) {
      const uint32_t row =
          Bind(registry, Must(registry.Declare(declaration, 0)), {"eu", "/\xc3\xa9"}, 1'700'000'000'000);
      Exemplar exemplar;
      exemplar.value = 7.25 * static_cast<double>(number);
      exemplar.unix_ms = 1'700'000'000'123;
      exemplar.trace_id.fill(0xab);
      exemplar.span_id.fill(0xcd);
      CHECK(registry.Record(row, exemplar) == Error::kOk);
      for (const double value : {0.0, 0.5, 10.0, 2000.0}) CHECK(registry.Record(row, value) == Error::kOk);
    }
    for (std::string& frame : TakeFrames(registry, 1'700'000'010'000)) frames.push_back(std::move(frame));
  }
  return frames;
}

TEST_CASE("Frames, chunks and snapshots of every version are read and mean what they meant") {
  // What today's build writes; a fixture may differ from it in its bytes, not in what it says.
  const std::vector<std::string> today = WriteFrames();
  Aggregator aggregator{AggregatorOptions{}};
  for (size_t i = 0; i < today.size(); ++i) {
    CHECK(aggregator.Apply(Fixture(Numbered("v1_frame_", i + 1) + ".bin", today[i]), 1'700'000'010'000).ok());
  }
  ChunkStore written;
  Aggregator writer{AggregatorOptions{}};
  for (const std::string& frame : today) CHECK(writer.Apply(frame, 1'700'000'010'000).ok());
  const std::string snapshot_today = SnapshotBytes(writer, 1'700'000'011'000);
  written.Commit(writer);

  std::string version;
  SUBCASE("Version 1") { version = "v1_"; }
  SUBCASE("Version 2: families have times") { version = "v2_"; }
  SUBCASE("Version 3: series have times, and producers may be archived") { version = "v3_"; }
  ChunkStore stored;
  for (const auto& [key, bytes] : written.chunks) {
    stored.chunks[key] = Fixture(Numbered(version + "chunk_", key) + ".bin", bytes);
  }
  Aggregator loaded{AggregatorOptions{}};
  REQUIRE(stored.Load(loaded) == Error::kOk);
  CHECK(Body(loaded.store()) == Body(aggregator.store()));
  CHECK(loaded.producers() == 2);
  const uint64_t made_unix_ms = 1'700'000'010'000;
  for (const auto& family : loaded.store().families()) {
    // The age of a family of version 1 is not known: it is older than all others.
    CHECK(family->since_unix_ms == (version == "v1_" ? 1 : made_unix_ms));
    CHECK(family->written_unix_ms == (version == "v1_" ? 1 : made_unix_ms));
  }
  for (const Series& series : loaded.store().series()) {
    CHECK(series.written_unix_ms == (version == "v3_" ? made_unix_ms : 0));
  }
  CHECK(loaded.Apply(today[0], 1'700'000'010'000).value() == Aggregator::Applied::kDuplicate);
  CHECK(loaded.archived_producers() == 0);

  Snapshot snapshot;
  REQUIRE(snapshot.Merge(Fixture(version + "snapshot.bin", snapshot_today)) == Error::kOk);
  CHECK(snapshot.info().version == 1);
  // Before version 3, series did not expire. They do not either if they are added to others.
  REQUIRE(snapshot.Merge(Fixture("v3_snapshot.bin", snapshot_today)) == Error::kOk);
  CHECK((snapshot.info().series_expiry_ms == kNeverMs) == (version != "v3_"));
  snapshot = Snapshot();
  REQUIRE(snapshot.Merge(Fixture(version + "snapshot.bin", snapshot_today)) == Error::kOk);
  CHECK(snapshot.info().counters[AggregatorCounter::kFramesApplied] == 2);
  const Store& store = snapshot.store();
  CHECK(store.families().front()->since_unix_ms == (version == "v1_" ? 0 : made_unix_ms));
  for (const Series& series : store.series()) {
    // In whole seconds, and not known before version 3.
    CHECK(series.written_unix_ms == (version == "v3_" ? made_unix_ms : 0));
    // Before version 3, series did not expire.
    CHECK(snapshot.IsExpired(series, 1'710'000'000'000) == (version == "v3_"));
  }
  CHECK(FindPoint(store, "requests", {"/\xc3\xa9", "eu"})->sum.ToDouble() == 2 * 2010.5 + 21.75);
  CHECK(FindPoint(store, "memory", {"/\xc3\xa9", "eu"})->sum.ToDouble() == 4000);
  CHECK(FindPoint(store, "level", {"/\xc3\xa9", "eu"})->value == 2000);
  const Point* latency = FindPoint(store, "latency", {"/\xc3\xa9", "eu"});
  CHECK(latency->counts == std::vector<uint64_t>{4, 3, 1, 2});
  CHECK(latency->exemplars.list().size() == 2);
  CHECK(latency->exemplars.list()[0].value == 7.25);
  CHECK(latency->exemplars.list()[0].trace_id[15] == 0xab);
  const Point* size = FindPoint(store, "size", {"/\xc3\xa9", "eu"});
  CHECK(size->exponential->zero_count() == 2);
  CHECK(size->Count() == 10);

  ByteWriter text;
  exposition::Render(snapshot, exposition::Format::kOpenMetrics, {}, text);
  CHECK(Fixture("v1_exposition.txt", std::string(text.view())) == text.view());
}

TEST_CASE("The record of an archived producer of every version is read and means what it meant") {
  const std::vector<std::string> today = WriteFrames();
  const AggregatorOptions nobody_resident{.max_resident_producers = 0};
  ChunkStore written;
  Aggregator writer{nobody_resident};
  for (const std::string& frame : today) CHECK(writer.Apply(frame, 1'700'000'010'000).ok());
  written.Commit(writer);
  REQUIRE(written.records.size() == 2);

  ChunkStore stored;
  for (const auto& [key, bytes] : written.chunks) {
    stored.chunks[key] = Fixture(Numbered("v3_archived_chunk_", key) + ".bin", bytes);
  }
  for (const auto& [id, bytes] : written.records) {
    stored.records[id] = Fixture(Numbered("v3_producer_", stored.records.size() + 1) + ".bin", bytes);
  }
  Aggregator loaded{AggregatorOptions{}};
  REQUIRE(stored.Load(loaded) == Error::kOk);
  CHECK(loaded.producers() == 2);
  CHECK(loaded.archived_producers() == 2);
  for (const std::string& frame : today) {
    CHECK(stored.Apply(loaded, frame, 1'700'000'010'000).value() == Aggregator::Applied::kDuplicate);
  }
}

}  // namespace
}  // namespace isotel::metrics

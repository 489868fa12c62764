// Hosts of the metrics core in miniature: declarations, producers and a store of chunks.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/aggregator.h"
#include "metrics/registry.h"

namespace isotel::metrics {

inline Declaration MakeDeclaration(Kind kind, std::string name, std::vector<std::string> keys = {}) {
  Declaration declaration;
  declaration.kind = kind;
  declaration.name = std::move(name);
  declaration.label_keys = std::move(keys);
  if (kind == Kind::kHistogram) declaration.bounds = {1, 10, 100};
  return declaration;
}

inline ProducerId MakeProducer(uint64_t number) {
  ProducerId id{};
  std::memcpy(id.data(), &number, sizeof number);
  return id;
}

inline uint32_t Must(const Result<uint32_t>& result) {
  REQUIRE(result.error() == Error::kOk);
  return result.value();
}

inline uint32_t Bind(Registry& registry, uint32_t family, std::vector<std::string_view> values, double now = 1'000) {
  return Must(registry.Bind(family, values, now));
}

/// Flushes, takes every pending frame and commits it.
inline std::vector<std::string> TakeFrames(Registry& registry, double now = 2'000, bool refresh = false) {
  std::vector<std::string> frames;
  registry.Flush(now, refresh);
  while (!registry.pending().empty()) {
    frames.push_back(registry.pending().front().bytes);
    CHECK(registry.Commit(registry.pending().front().sequence) == Error::kOk);
  }
  return frames;
}

/// What a Durable Object stores. Commit() is its transaction.
struct ChunkStore {
  std::map<uint32_t, std::string> chunks;
  std::map<ProducerId, std::string> records;

  void Commit(Aggregator& aggregator) {
    ByteWriter writer;
    REQUIRE(aggregator.TakeChanges(writer) == Error::kOk);
    ByteReader list(writer.view());
    uint32_t last_key = 0;
    for (Chunk chunk; list.remaining() > 0 && NextChunk(list, chunk);) {
      CHECK(chunk.key >= last_key);
      last_key = chunk.key;
      if (chunk.key == kRemovedKey) {
        for (size_t at = 0; at < chunk.bytes.size(); at += sizeof(ProducerId)) {
          CHECK(records.erase(IdAt(chunk.bytes, at)) == 1);
        }
      } else if (chunk.key == kArchivedKey) {
        records[IdAt(chunk.bytes, kRecordIdAt)] = chunk.bytes;
      } else if (chunk.bytes.empty()) {
        chunks.erase(chunk.key);
      } else {
        chunks[chunk.key] = chunk.bytes;
      }
    }
    CHECK(list.Done());
    // There is a record of each archived producer, and of each resident one that says so.
    uint64_t recorded = aggregator.archived_producers();
    for (const Producer& producer : aggregator.resident_producers()) {
      if (!producer.live) continue;
      CHECK(records.count(producer.id) == (producer.recorded ? 1 : 0));
      recorded += producer.recorded ? 1 : 0;
    }
    CHECK(records.size() == recorded);
  }

  /// Makes the producers of these frames resident.
  void Restore(Aggregator& aggregator, const std::vector<std::string>& frames) const {
    ByteWriter ids;
    for (const std::string& frame : frames) ids.Raw(std::string_view(frame).substr(kRecordIdAt, sizeof(ProducerId)));
    ByteWriter missing;
    REQUIRE(aggregator.AppendMissing(ids.view(), missing) == Error::kOk);
    for (size_t at = 0; at < missing.size(); at += sizeof(ProducerId)) {
      const auto found = records.find(IdAt(missing.view(), at));
      if (found != records.end()) REQUIRE(aggregator.Restore(StoredOf(*found)) == Error::kOk);
    }
  }
  Result<Aggregator::Applied> Apply(Aggregator& aggregator, const std::string& frame, double now) const {
    Restore(aggregator, {frame});
    return aggregator.Apply(frame, now);
  }

  /// Prunes what is in memory, and then at most `most` records, the oldest first.
  void Prune(Aggregator& aggregator, double now, size_t most = SIZE_MAX) const {
    REQUIRE(aggregator.Prune(now) == Error::kOk);
    std::vector<std::pair<uint64_t, ProducerId>> order;
    for (const auto& record : records) order.emplace_back(StoredOf(record).last_seen_unix_ms, record.first);
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < order.size() && i < most; ++i) {
      const Result<bool> expired = aggregator.Expire({order[i].second, order[i].first, {}}, now);
      REQUIRE(expired.ok());
      if (!expired.value()) break;
    }
  }
  uint64_t OldestUnixMs() const {
    uint64_t oldest = UINT64_MAX;
    for (const auto& [id, record] : records) oldest = std::min(oldest, SeenAt(record));
    return oldest;
  }

  static ProducerId IdAt(std::string_view bytes, size_t at) {
    ProducerId id;
    REQUIRE(bytes.size() >= at + id.size());
    std::memcpy(id.data(), bytes.data() + at, id.size());
    return id;
  }
  static Producers::Stored StoredOf(const std::pair<const ProducerId, std::string>& record) {
    return {record.first, SeenAt(record.second), record.second};
  }
  static uint64_t SeenAt(std::string_view record) {
    return ByteReader(record.substr(kRecordIdAt + sizeof(ProducerId))).Fixed64();
  }

  Error Load(Aggregator& aggregator) const {
    for (const auto& [key, bytes] : chunks) {
      if (const Error error = aggregator.Load(key, bytes); error != Error::kOk) return error;
    }
    return aggregator.FinishLoad();
  }
};

inline std::string SnapshotBytes(Aggregator& aggregator, double now = 2'000) {
  ByteWriter writer;
  REQUIRE(aggregator.WriteSnapshot(now, writer) == Error::kOk);
  return std::string(writer.view());
}

inline std::string Body(const Store& store) {
  ByteWriter writer;
  store.WriteBody(writer);
  return std::string(writer.view());
}

/// The series of a family with these label values, in the order of the sorted names.
inline const Point* FindPoint(const Store& store, std::string_view name, std::vector<std::string_view> values = {}) {
  ByteWriter labels;
  for (const std::string_view value : values) labels.Bytes(value);
  for (const Series& series : store.series()) {
    if (store.DeclarationOf(series).name == name && store.LabelsOf(series) == labels.view()) return &series.point;
  }
  return nullptr;
}

/// Replaces the checksum of a message that was changed on purpose.
inline std::string Sealed(std::string message) {
  const auto checksum = static_cast<uint32_t>(Hash(std::string_view(message).substr(0, message.size() - 4)));
  std::memcpy(message.data() + message.size() - 4, &checksum, 4);
  return message;
}

/// A name with a number at its end.
inline std::string Numbered(std::string_view name, uint64_t number) {
  std::string text(name);
  return text += std::to_string(number);
}

/// How much to run: 1 by default, more when the environment variable says so.
inline int Effort(const char* variable) {
  const char* text = std::getenv(variable);
  const int effort = text == nullptr ? 1 : std::atoi(text);
  return effort < 1 ? 1 : effort;
}

/// A seeded source of declarations, values and labels for property tests.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}

  uint64_t Next() { return engine_(); }
  uint64_t Below(uint64_t limit) { return engine_() % limit; }
  bool Chance(uint64_t percent) { return Below(100) < percent; }
  /// Positive, over many magnitudes, often one of a few round numbers.
  double Value() {
    static constexpr double kRound[] = {0, 0.001, 0.5, 1, 2, 10, 100, 1000};
    if (Chance(30)) return kRound[Below(8)];
    return std::ldexp(static_cast<double>(Below(1U << 20)) + 1, static_cast<int>(Below(40)) - 30);
  }

 private:
  std::mt19937_64 engine_;
};

/// The families every random producer shares, one of each kind.
inline std::vector<Declaration> SampleDeclarations() {
  std::vector<Declaration> all;
  const char* names[] = {"requests", "memory", "floor", "peak", "level", "latency", "size"};
  for (uint8_t kind = 0; kind < kKindCount; ++kind) {
    all.push_back(MakeDeclaration(static_cast<Kind>(kind), names[kind], {"zone", "path"}));
    all.back().help = "A sample.";
  }
  all.back().max_buckets = 20;
  return all;
}

/// A producer with random series and values of SampleDeclarations().
class SampleProducer {
 public:
  SampleProducer(uint64_t number, Dice& dice) : registry(MakeProducer(number)), dice_(dice) {
    for (const Declaration& declaration : SampleDeclarations())
      families_.push_back(Must(registry.Declare(declaration, 0)));
  }

  void Work(uint64_t records, double now = 1'000) {
    static constexpr std::string_view kZones[] = {"eu", "us", "", "a\"b\\c\nd", "\xc3\xa9"};
    static constexpr std::string_view kPaths[] = {"/", "/a", "/b"};
    for (; records > 0; --records) {
      const auto family = static_cast<uint32_t>(dice_.Below(families_.size()));
      const uint32_t row = Bind(registry, families_[family], {kZones[dice_.Below(5)], kPaths[dice_.Below(3)]}, now);
      const double sign = family == static_cast<uint32_t>(Kind::kExponentialHistogram) && dice_.Chance(10) ? -1 : 1;
      if (dice_.Chance(20)) {
        Exemplar exemplar;
        exemplar.value = sign * dice_.Value();
        exemplar.unix_ms = 1'000 + dice_.Below(50);
        exemplar.trace_id[3] = static_cast<uint8_t>(dice_.Below(250));
        exemplar.span_id[1] = 7;
        CHECK(registry.Record(row, exemplar) == Error::kOk);
      } else {
        CHECK(registry.Record(row, sign * dice_.Value()) == Error::kOk);
      }
    }
  }

  Registry registry;

 private:
  Dice& dice_;
  std::vector<uint32_t> families_;
};

}  // namespace isotel::metrics

// The native cost of the metrics core. The ids are those of the benchmark suite: metrics.record.1, metrics.record.1000,
// metrics.render.10000, metrics.merge.100x100, metrics.ingest.100x50.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "exposition/exposition.h"
#include "metrics/aggregator.h"
#include "metrics/registry.h"

namespace isotel::metrics {
namespace {

Declaration Latency(Kind kind) {
  Declaration declaration;
  declaration.kind = kind;
  declaration.name = "http_server_duration_seconds";
  declaration.help = "Duration of requests.";
  declaration.label_keys = {"route", "status"};
  if (kind == Kind::kHistogram) declaration.bounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  return declaration;
}

class Producer {
 public:
  Producer(uint64_t number, Kind kind, uint32_t series, uint32_t first = 0) : registry(Id(number)) {
    const uint32_t family = registry.Declare(Latency(kind), 0).value();
    for (uint32_t i = 0; i < series; ++i) {
      const std::string route = "/api/v1/resource/" + std::to_string(first + i);
      const std::string_view values[] = {route, "200"};
      rows.push_back(registry.Bind(family, values, 1'700'000'000'000).value());
    }
  }
  static ProducerId Id(uint64_t number) {
    ProducerId id{};
    std::memcpy(id.data(), &number, sizeof number);
    return id;
  }
  void Record(int times) {
    for (const uint32_t row : rows) {
      for (int i = 0; i < times; ++i) {
        seed_ = seed_ * 6364136223846793005U + 1;
        if (registry.Record(row, static_cast<double>(seed_ >> 40) * 1e-6) != Error::kOk) std::abort();
      }
    }
  }
  std::vector<std::string> Frames() {
    registry.Flush(1'700'000'010'000, false);
    std::vector<std::string> frames;
    while (!registry.pending().empty()) {
      frames.push_back(registry.pending().front().bytes);
      if (registry.Commit(registry.pending().front().sequence) != Error::kOk) std::abort();
    }
    return frames;
  }
  Registry registry;
  std::vector<uint32_t> rows;

 private:
  uint64_t seed_ = 1;
};

void Apply(Aggregator& aggregator, const std::vector<std::string>& frames) {
  for (const std::string& frame : frames) {
    if (!aggregator.Apply(frame, 1'700'000'020'000).ok()) std::abort();
  }
}

std::string SnapshotOf(uint64_t producers, uint32_t series_each, bool distinct) {
  Aggregator aggregator{AggregatorOptions{}};
  for (uint64_t i = 0; i < producers; ++i) {
    Producer producer(i, Kind::kHistogram, series_each, distinct ? static_cast<uint32_t>(i) * series_each : 0);
    producer.Record(40);
    Apply(aggregator, producer.Frames());
  }
  ByteWriter writer;
  if (aggregator.WriteSnapshot(1'700'000'020'000, writer) != Error::kOk) std::abort();
  return std::string(writer.view());
}

void Record(benchmark::State& state, Kind kind) {
  Producer producer(1, kind, static_cast<uint32_t>(state.range(0)));
  size_t at = 0;
  double value = 0.001;
  for (auto _ : state) {
    benchmark::DoNotOptimize(producer.registry.Record(producer.rows[at], value));
    if (++at == producer.rows.size()) at = 0;
    value = value > 9 ? 0.001 : value * 1.01;
  }
}
BENCHMARK_CAPTURE(Record, counter, Kind::kCounter)->Name("metrics.record.counter")->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(Record, histogram, Kind::kHistogram)->Name("metrics.record")->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(Record, exponential, Kind::kExponentialHistogram)
    ->Name("metrics.record.exponential")
    ->Arg(1)
    ->Arg(1000);

void Render(benchmark::State& state, exposition::Format format) {
  const auto series = static_cast<uint32_t>(state.range(0));
  const uint32_t each = series < 2'000 ? series : 2'000;
  const std::string bytes = SnapshotOf(series / each, each, true);
  Snapshot snapshot;
  if (snapshot.Merge(bytes) != Error::kOk) std::abort();
  ByteWriter writer;
  for (auto _ : state) {
    exposition::Render(snapshot, format, {}, writer);
    benchmark::DoNotOptimize(writer.view().data());
  }
  state.counters["bytes"] = static_cast<double>(writer.size());
  state.counters["snapshot"] = static_cast<double>(bytes.size());
}
BENCHMARK_CAPTURE(Render, text, exposition::Format::kText)->Name("metrics.render")->Arg(10)->Arg(1'000)->Arg(10'000);
BENCHMARK_CAPTURE(Render, openmetrics, exposition::Format::kOpenMetrics)
    ->Name("metrics.render.openmetrics")
    ->Arg(10'000);
BENCHMARK_CAPTURE(Render, protobuf, exposition::Format::kProtobuf)->Name("metrics.render.protobuf")->Arg(10'000);
BENCHMARK_CAPTURE(Render, json, exposition::Format::kJson)->Name("metrics.render.json")->Arg(10'000);

void Load(benchmark::State& state) {
  const std::string bytes = SnapshotOf(5, 2'000, true);
  for (auto _ : state) {
    Snapshot snapshot;
    if (snapshot.Merge(bytes) != Error::kOk) std::abort();
  }
}
BENCHMARK(Load)->Name("metrics.load.10000");

void Merge(benchmark::State& state) {
  const std::string bytes = SnapshotOf(1, 100, false);
  ByteWriter writer;
  for (auto _ : state) {
    Snapshot snapshot;
    for (int64_t i = 0; i < state.range(0); ++i) {
      if (snapshot.Merge(bytes) != Error::kOk) std::abort();
    }
    snapshot.Write(writer);
    benchmark::DoNotOptimize(writer.view().data());
  }
}
BENCHMARK(Merge)->Name("metrics.merge.100x")->Arg(10)->Arg(100);

// One batch: 100 frames of 50 series, and the chunks to store.
void Ingest(benchmark::State& state, bool distinct) {
  std::vector<std::unique_ptr<Producer>> producers;
  for (uint32_t i = 0; i < 100; ++i) {
    producers.push_back(std::make_unique<Producer>(i, Kind::kHistogram, 50, distinct ? i * 50 : 0));
  }
  Aggregator aggregator{AggregatorOptions{}};
  ByteWriter writer;
  size_t chunks = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<std::string> frames;
    for (const std::unique_ptr<Producer>& producer : producers) {
      producer->Record(5);
      for (std::string& frame : producer->Frames()) frames.push_back(std::move(frame));
    }
    state.ResumeTiming();
    Apply(aggregator, frames);
    if (aggregator.TakeChanges(writer) != Error::kOk) std::abort();
  }
  ByteReader list(writer.view());
  for (Chunk chunk; list.remaining() > 0 && NextChunk(list, chunk);) ++chunks;
  state.counters["chunks"] = static_cast<double>(chunks);
  state.counters["bytes"] = static_cast<double>(writer.size());
}
BENCHMARK_CAPTURE(Ingest, shared, false)->Name("metrics.ingest.100x50.shared")->Iterations(200);
BENCHMARK_CAPTURE(Ingest, distinct, true)->Name("metrics.ingest.100x50.distinct")->Iterations(200);

}  // namespace
}  // namespace isotel::metrics

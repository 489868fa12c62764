// Answers of an existing resolver's telemetry, with two intended differences: upper bounds are inclusive, so 10
// counts in the bucket that ends at 10 and 11 in the next; and sums have 64 bits, so they do not wrap at 2^32.
#include <doctest/doctest.h>

#include "metrics/bounds.h"
#include "metrics/message.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

using Counts = std::map<size_t, uint64_t>;

struct Resolver {
  Resolver() : registry(MakeProducer(1)) {
    Declaration declaration = MakeDeclaration(Kind::kHistogram, "confidence_resolve_latency_microseconds");
    // 18 buckets a decade; the original has 174 in all and none for what lies beyond.
    declaration.bounds = PerDecadeBounds(0, 10, 18).value();
    declaration.bounds.resize(174);
    latency = Bind(registry, Must(registry.Declare(declaration, 0)), {});
    resolves = Must(registry.Declare(MakeDeclaration(Kind::kCounter, "confidence_resolves_total", {"reason"}), 0));
    memory =
        Bind(registry, Must(registry.Declare(MakeDeclaration(Kind::kGaugeLast, "confidence_memory_bytes"), 0)), {});
  }
  void Observe(double microseconds) { CHECK(registry.Record(latency, microseconds) == Error::kOk); }
  void Resolve(std::string_view reason, double times = 1) {
    CHECK(registry.Record(Bind(registry, resolves, {reason}), times) == Error::kOk);
  }

  Registry registry;
  uint32_t latency;
  uint32_t resolves;
  uint32_t memory;
};

Counts NonZero(const Point& point) {
  Counts counts;
  for (size_t i = 0; i < point.counts.size(); ++i) {
    if (point.counts[i] > 0) counts[i] = point.counts[i];
  }
  return counts;
}

const Point& Latency(const Aggregator& aggregator) {
  return *FindPoint(aggregator.store(), "confidence_resolve_latency_microseconds");
}
double Resolves(const Aggregator& aggregator, std::string_view reason) {
  return FindPoint(aggregator.store(), "confidence_resolves_total", {reason})->sum.ToDouble();
}

TEST_CASE("Answer A: a histogram and its next delta") {
  Resolver resolver;
  for (const double value : {0.0, 1.0, 10.0, 11.0, 12.0, 100.0, 1000.0, 4294967295.0}) resolver.Observe(value);
  Aggregator first{AggregatorOptions{}};
  CHECK(first.Apply(TakeFrames(resolver.registry).front(), 2'000).ok());
  CHECK(Latency(first).Count() == 8);
  CHECK(Latency(first).sum.ToDouble() == 4294968429);
  // The original: {0:[2]} {18:[2,1]} {36:[1]} {54:[1]} {173:[1]}, with 4294967295 in its last bucket.
  CHECK(NonZero(Latency(first)) == Counts{{0, 2}, {18, 1}, {19, 1}, {20, 1}, {36, 1}, {54, 1}, {174, 1}});

  resolver.Observe(10);
  Aggregator second{AggregatorOptions{}};
  CHECK(second.Apply(TakeFrames(resolver.registry).front(), 2'000).ok());
  CHECK(Latency(second).Count() == 1);
  CHECK(Latency(second).sum.ToDouble() == 10);
  CHECK(NonZero(Latency(second)) == Counts{{18, 1}});
}

TEST_CASE("Answer B: deltas with reasons, and two buckets a decade") {
  Resolver resolver;
  Aggregator aggregator{AggregatorOptions{}};
  const auto deliver = [&] {
    for (const std::string& frame : TakeFrames(resolver.registry)) CHECK(aggregator.Apply(frame, 2'000).ok());
  };
  resolver.Observe(0);
  resolver.Resolve("MATCH");
  deliver();
  resolver.Observe(1000);
  resolver.Resolve("MATCH");
  deliver();
  resolver.Observe(2000);
  resolver.Resolve("NO_SEGMENT_MATCH");
  deliver();
  resolver.Resolve("ERROR");
  deliver();
  // log10(2000) * 18 = 59.4. Bucket i ends at 10^(i/18), so 2000 is in 60; where buckets begin there it is in 59.
  CHECK(NonZero(Latency(aggregator)) == Counts{{0, 1}, {54, 1}, {60, 1}});
  CHECK(Latency(aggregator).sum.ToDouble() == 3000);
  CHECK(Latency(aggregator).Count() == 3);
  CHECK(Resolves(aggregator, "MATCH") == 2);
  CHECK(Resolves(aggregator, "NO_SEGMENT_MATCH") == 1);
  CHECK(Resolves(aggregator, "ERROR") == 1);
  const std::vector<double> bounds = PerDecadeBounds(0, 3, 2).value();
  CHECK(std::vector<double>(bounds.begin() + 1, bounds.end()) ==
        std::vector<double>{3.162278, 10, 31.62278, 100, 316.2278, 1000});
}

// A frame of one latency point with these spans, {gap, counts}, as a producer of one's own might write it.
std::string LatencyFrame(const Resolver& resolver, uint64_t sequence, const std::string& registry_frame,
                         const std::vector<std::pair<uint64_t, std::vector<uint64_t>>>& spans, double sum) {
  (void)resolver;
  const OpenFrame frame = ReadFrame(registry_frame).value();
  ByteReader body = frame.body;
  CHECK(body.Byte() == 1);
  const std::string_view declaration = body.Bytes();
  ByteWriter writer;
  BeginFrame({frame.header.producer, sequence, frame.header.unix_ms}, writer);
  writer.Byte(1);
  writer.Bytes(declaration);
  writer.Byte(2);
  writer.Bytes({});
  writer.Fixed64(1'000);
  Sum::From(sum).Write(writer);
  for (const auto& [gap, counts] : spans) {
    writer.Varint(counts.size());
    writer.Varint(gap);
    for (const uint64_t count : counts) writer.Varint(count);
  }
  writer.Varint(0);
  writer.Varint(0);
  writer.Byte(0);
  EndMessage(writer, 0);
  return std::string(writer.view());
}

TEST_CASE("Answer C: spans applied twice, and spans outside the histogram") {
  Resolver resolver;
  resolver.Observe(1);
  const std::string frame = TakeFrames(resolver.registry).front();
  Aggregator aggregator{AggregatorOptions{}};
  for (uint64_t sequence = 1; sequence <= 2; ++sequence) {
    CHECK(aggregator.Apply(LatencyFrame(resolver, sequence, frame, {{3, {2}}, {168, {1, 2}}}, 600), 2'000).ok());
  }
  CHECK(NonZero(Latency(aggregator)) == Counts{{3, 4}, {172, 2}, {173, 4}});
  CHECK(Latency(aggregator).sum.ToDouble() == 1200);
  CHECK(Latency(aggregator).Count() == 10);
  // The original cuts off what reaches outside; here such a delta is no delta at all.
  const std::string before = Body(aggregator.store());
  for (const uint64_t gap : {uint64_t{174}, uint64_t{175}, UINT64_MAX}) {
    const std::string outside = LatencyFrame(resolver, 3, frame, {{gap, {9, 9}}}, 600);
    CHECK(aggregator.Apply(outside, 2'000).error() == Error::kCorrupt);
  }
  CHECK(Body(aggregator.store()) == before);

  Resolver reasons;
  for (int round = 0; round < 2; ++round) {
    reasons.Resolve("MATCH", 3);
    CHECK(reasons.registry.Record(reasons.memory, 4096) == Error::kOk);
    for (const std::string& next : TakeFrames(reasons.registry)) {
      Aggregator& target = aggregator;
      // Another producer: the first one's numbers are taken.
      std::string other = next;
      other[4] = 'x';
      CHECK(target.Apply(Sealed(other), 2'000).ok());
    }
  }
  CHECK(Resolves(aggregator, "MATCH") == 6);
  Snapshot snapshot;
  CHECK(snapshot.Merge(SnapshotBytes(aggregator)) == Error::kOk);
  CHECK(FindPoint(snapshot.store(), "confidence_memory_bytes")->value == 4096);
}

}  // namespace
}  // namespace isotel::metrics

#include "metrics/exponential.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "metrics_double.h"

namespace isotel::metrics {
namespace {

double Bound(int32_t bucket, int schema) {
  // Correctly rounded: long double has eleven bits more.
  return static_cast<double>(std::exp2(static_cast<long double>(bucket) / std::exp2(static_cast<long double>(schema))));
}

Exponential Make(int schema, uint32_t max_buckets) {
  Declaration declaration = MakeDeclaration(Kind::kExponentialHistogram, "h");
  declaration.schema = schema;
  declaration.max_buckets = max_buckets;
  return Exponential(declaration);
}

TEST_CASE("Every bound of every schema belongs to its bucket and the next double does not") {
  const ExponentialTable table;
  for (int schema = kMinSchema; schema <= kMaxSchema; ++schema) {
    const int32_t range = schema > 0 ? 40 << schema : 1020 >> -schema;
    for (int32_t bucket = -range; bucket <= range; ++bucket) {
      const double bound = Bound(bucket, schema);
      CAPTURE(schema);
      CAPTURE(bucket);
      REQUIRE(table.BucketOf(bound, schema) == bucket);
      REQUIRE(table.BucketOf(std::nextafter(bound, 1e308), schema) == bucket + 1);
    }
  }
}

TEST_CASE("The smallest and the largest doubles have buckets") {
  const ExponentialTable table;
  CHECK(table.BucketOf(5e-324, 0) == -1074);
  CHECK(table.BucketOf(5e-324, 8) == -1074 * 256);
  CHECK(table.BucketOf(1.7976931348623157e308, 0) == 1024);
  CHECK(table.BucketOf(1.7976931348623157e308, 8) == 1024 * 256);
  CHECK(table.BucketOf(1.7976931348623157e308, -4) == 64);
  CHECK(UpperBound(3, 0) == 8);
  CHECK(UpperBound(-2, -1) == 0x1p-4);
  CHECK(std::isinf(UpperBound(1024, 0)));
}

TEST_CASE("A coarser schema has the buckets of a finer one in pairs") {
  const ExponentialTable table;
  std::mt19937_64 random(3);
  for (int i = 0; i < 50'000; ++i) {
    const double value =
        std::ldexp(1 + static_cast<double>(random() >> 12) * 0x1p-52, static_cast<int>(random() % 200) - 100);
    const int32_t finest = table.BucketOf(value, kMaxSchema);
    for (int schema = kMinSchema; schema <= kMaxSchema; ++schema) {
      REQUIRE(table.BucketOf(value, schema) == CoarserBucket(finest, kMaxSchema - schema));
    }
  }
}

TEST_CASE("The native histogram example has its spans, deltas and counts") {
  const ExponentialTable table;
  Exponential histogram = Make(3, 160);
  histogram.Record(0, kDefaultZeroThreshold, table);
  const std::pair<double, int> values[] = {{0.84, 3}, {0.917, 5}, {1.18, 1}, {1.41, 3}, {1.54, 2}};
  for (const auto& [value, count] : values) {
    for (int i = 0; i < count; ++i) histogram.Record(value, kDefaultZeroThreshold, table);
  }
  CHECK(histogram.schema() == 3);
  CHECK(histogram.zero_count() == 1);
  CHECK(histogram.positive().first == -2);
  CHECK(histogram.positive().counts == std::vector<uint64_t>{3, 5, 0, 0, 1, 0, 3, 2});
  CHECK(histogram.Count() == 15);
}

TEST_CASE("Values up to the zero threshold count as zero, of both signs") {
  const ExponentialTable table;
  Exponential histogram = Make(0, 160);
  for (const double value : {0.0, -0.0, 0.001, -0.001}) histogram.Record(value, 0.001, table);
  CHECK(histogram.zero_count() == 4);
  histogram.Record(0.0011, 0.001, table);
  histogram.Record(-4, 0.001, table);
  CHECK(histogram.positive().counts.size() == 1);
  CHECK(histogram.negative().first == 2);
  CHECK(histogram.Count() == 6);
}

TEST_CASE("The resolution halves when a sign would need more buckets than its cap") {
  const ExponentialTable table;
  Exponential histogram = Make(8, 4);
  for (int i = 0; i <= 10; ++i) histogram.Record(std::ldexp(1.0, i), 0, table);
  CHECK(histogram.schema() == -2);
  CHECK(histogram.positive().first == 0);
  CHECK(histogram.positive().counts == std::vector<uint64_t>{1, 4, 4, 2});
  histogram.Record(1e-300, 0, table);
  histogram.Record(1e300, 0, table);
  CHECK(histogram.schema() == kMinSchema);
  CHECK(histogram.Count() == 13);
}

TEST_CASE("Recording does not allocate within the reserved buckets") {
  const ExponentialTable table;
  Exponential histogram = Make(4, 32);
  histogram.ReserveAll();
  histogram.Record(1, 0, table);
  const uint64_t* memory = histogram.positive().counts.data();
  std::mt19937_64 random(5);
  for (int i = 0; i < 10'000; ++i) histogram.Record(std::ldexp(1.5, static_cast<int>(random() % 400) - 200), 0, table);
  CHECK(histogram.positive().counts.data() == memory);
  CHECK(histogram.positive().counts.size() <= 32);
}

TEST_CASE("Merging is associative and commutative and equals recording everything in one place") {
  const ExponentialTable table;
  Dice dice(7);
  for (int round = 0; round < 400; ++round) {
    const auto cap = static_cast<uint32_t>(2 + dice.Below(60));
    const int schema = static_cast<int>(dice.Below(13)) - 4;
    Exponential parts[3] = {Make(schema, cap), Make(schema, cap), Make(schema, cap)};
    Exponential all = Make(schema, cap);
    for (Exponential& part : parts) {
      for (uint64_t i = dice.Below(30); i > 0; --i) {
        const double value = dice.Value() * (dice.Chance(20) ? -1 : 1);
        part.Record(value, 1e-9, table);
        all.Record(value, 1e-9, table);
      }
    }
    Exponential left = parts[0];
    left.Merge(parts[1]);
    left.Merge(parts[2]);
    Exponential right = parts[2];
    right.Merge(parts[1]);
    Exponential outer = parts[0];
    outer.Merge(right);
    Exponential swapped = right;
    swapped.Merge(parts[0]);
    ByteWriter bytes[4];
    left.Write(bytes[0]);
    outer.Write(bytes[1]);
    swapped.Write(bytes[2]);
    all.Write(bytes[3]);
    CHECK(bytes[0].view() == bytes[1].view());
    CHECK(bytes[0].view() == bytes[2].view());
    CHECK(bytes[0].view() == bytes[3].view());
  }
}

TEST_CASE("What is read back is what was written, and anything else is refused") {
  const ExponentialTable table;
  Declaration declaration = MakeDeclaration(Kind::kExponentialHistogram, "h");
  declaration.max_buckets = 16;
  Exponential histogram(declaration);
  for (int i = 0; i < 10; ++i) histogram.Record(1 + i * 0.3, 0, table);
  histogram.Record(-2, 0, table);
  ByteWriter writer;
  histogram.Write(writer);
  Exponential back;
  ByteReader reader(writer.view());
  back.Read(reader, declaration);
  CHECK(reader.Done());
  CHECK(back == histogram);

  const auto refuses = [&](int64_t schema, int64_t first, uint64_t run, uint64_t gap, uint64_t count) {
    ByteWriter bytes;
    bytes.SignedVarint(schema);
    bytes.Varint(0);
    bytes.SignedVarint(first);
    bytes.Varint(run);
    bytes.Varint(gap);
    for (uint64_t i = 0; i < run; ++i) bytes.Varint(count);
    bytes.Varint(0);
    bytes.SignedVarint(0);
    bytes.Varint(0);
    ByteReader hostile(bytes.view());
    back.Read(hostile, declaration);
    return !hostile.ok();
  };
  CHECK_FALSE(refuses(3, 5, 2, 0, 1));
  CHECK(refuses(4, 5, 2, 0, 1));           // finer than declared
  CHECK(refuses(-5, 5, 2, 0, 1));          // no such schema
  CHECK(refuses(3, 5, 17, 0, 1));          // past the cap
  CHECK(refuses(3, 5, 2, 15, 1));          // past the cap with its gap
  CHECK(refuses(3, 5, 2, UINT64_MAX, 1));  // overflowing
  CHECK(refuses(3, 5, 2, 1, 1));           // starts with an empty bucket
  CHECK(refuses(3, 5, 2, 0, 0));           // says runs and counts nothing
  CHECK(refuses(3, 1024 * 8, 2, 0, 1));    // past the largest double
  CHECK(refuses(3, -1074 * 8 - 1, 1, 0, 1));
}

}  // namespace
}  // namespace isotel::metrics

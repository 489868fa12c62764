#include "metrics/dedup_window.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "metrics/frame.h"
#include "metrics_double.h"

namespace isotel::metrics {
namespace {

TEST_CASE("Numbers are seen once each, in any order") {
  Dice dice(1);
  for (int round = 0; round < 200; ++round) {
    DedupWindow window;
    std::set<uint64_t> seen;
    // Gaps stay few: within 100 numbers there are at most 50 runs.
    for (int i = 0; i < 300; ++i) {
      const uint64_t sequence = 1 + dice.Below(100);
      CHECK(window.Contains(sequence) == (seen.count(sequence) > 0));
      if (seen.insert(sequence).second) CHECK(window.Insert(sequence) == 0);
      if (dice.Chance(5)) {
        ByteWriter writer;
        window.Write(writer);
        ByteReader reader(writer.view());
        window.Read(reader);
        CHECK(reader.Done());
      }
    }
    for (uint64_t sequence = 1; sequence <= 101; ++sequence) {
      CHECK(window.Contains(sequence) == (seen.count(sequence) > 0));
    }
  }
}

TEST_CASE("Numbers in order leave nothing but a watermark") {
  DedupWindow window;
  for (uint64_t sequence = 1; sequence <= 1'000; ++sequence) CHECK(window.Insert(sequence) == 0);
  CHECK(window.watermark() == 1'000);
  CHECK(window.runs() == 0);
}

TEST_CASE("Past the limit of runs the lowest gap is given up and counted") {
  DedupWindow window;
  uint64_t given_up = 0;
  for (uint64_t i = 1; i <= kMaxSequenceRuns + 1; ++i) {
    CHECK(given_up == 0);
    given_up = window.Insert(3 * i);
  }
  CHECK(given_up == 2);
  CHECK(window.watermark() == 3);
  CHECK(window.Contains(1));
  CHECK_FALSE(window.Contains(4));
  CHECK(window.runs() == kMaxSequenceRuns);
}

TEST_CASE("The largest number fits") {
  DedupWindow window;
  CHECK(window.Insert(kMaxSequence) == 0);
  CHECK(window.Contains(kMaxSequence));
  CHECK_FALSE(window.Contains(kMaxSequence - 1));
  ByteWriter writer;
  window.Write(writer);
  ByteReader reader(writer.view());
  window.Read(reader);
  CHECK(reader.Done());
}

TEST_CASE("Bytes that are no window are refused") {
  const auto refuses = [](std::vector<uint64_t> numbers) {
    ByteWriter writer;
    for (const uint64_t number : numbers) writer.Varint(number);
    ByteReader reader(writer.view());
    DedupWindow window;
    window.Read(reader);
    return !reader.Done();
  };
  CHECK_FALSE(refuses({5, 1, 2, 0}));
  CHECK(refuses({5, 1, 1, 0}));  // no gap
  CHECK(refuses({5, 1, 0, 0}));
  CHECK(refuses({5, kMaxSequenceRuns + 1}));  // too many
  CHECK(refuses({kMaxSequence, 1, 2, 0}));    // past the largest
  CHECK(refuses({5, 1, UINT64_MAX, 0}));
  CHECK(refuses({UINT64_MAX, 0}));
  CHECK(refuses({5, 1}));
}

}  // namespace
}  // namespace isotel::metrics

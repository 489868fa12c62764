// The declaration of a metric family: its name, kind, unit, help, label names and buckets.
//
// A declaration has one canonical encoding. Two families are the same when their encodings are equal. The encoding
// sorts label names, so that a label set has one encoding too (metrics/labels.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/wire.h"
#include "metrics/kind.h"

namespace isotel::metrics {

/// 2^-128, the default of Prometheus.
inline constexpr double kDefaultZeroThreshold = 0x1p-128;

struct Declaration {
  Kind kind = Kind::kCounter;
  std::string name;  ///< with or without unit and `_total`: expositions add what is missing
  std::string unit;  ///< UCUM ("s", "By") or a word ("seconds"); may be empty
  std::string help;
  std::vector<std::string> label_keys;
  std::vector<double> bounds;                     ///< kHistogram: inclusive upper bounds, +Inf left out
  int schema = 3;                                 ///< kExponentialHistogram: resolution to start with, -4..8
  uint32_t max_buckets = 160;                     ///< kExponentialHistogram: of each sign, 2..kMaxExponentialBuckets
  double zero_threshold = kDefaultZeroThreshold;  ///< kExponentialHistogram: |value| up to it counts as zero

  friend bool operator==(const Declaration&, const Declaration&) = default;
};

/// Returns whether expositions can show a label of this name.
[[nodiscard]] bool IsLabelName(std::string_view name);

/// Checks the ranges of all parts. label_keys may be in any order. Returns kInvalidMetricName, kInvalidLabelName (also
/// for `le` on a histogram), kInvalidBounds or kInvalidDeclaration.
Error Check(const Declaration& declaration);

/// Writes a checked declaration whose label_keys are sorted.
void Write(const Declaration& declaration, ByteWriter& writer);

/// Reads what Write() wrote into `declaration` and checks it. Returns kCorrupt for anything else, and for unsorted
/// label names.
Error ReadDeclaration(std::string_view bytes, Declaration& declaration);

}  // namespace isotel::metrics

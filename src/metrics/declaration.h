// What a metric family is: its name, kind, unit, help, label names and buckets.
//
// A declaration has one canonical encoding; two families are the same when these bytes are. Label names are
// sorted in it, so that a label set has one encoding too (metrics/labels.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "metrics/kind.h"
#include "metrics/wire.h"

namespace isotel::metrics {

/// 2^-128, the default of Prometheus.
inline constexpr double kDefaultZeroThreshold = 0x1p-128;

struct Declaration {
  Kind kind = Kind::kCounter;
  std::string name;  ///< without unit and `_total` suffix, or with them: expositions add what is missing
  std::string unit;  ///< UCUM ("s", "By") or a word ("seconds"); may be empty
  std::string help;
  std::vector<std::string> label_keys;
  std::vector<double> bounds;                     ///< kHistogram: inclusive upper bounds, +Inf left out
  int schema = 3;                                 ///< kExponentialHistogram: resolution to start with, -4..8
  uint32_t max_buckets = 160;                     ///< kExponentialHistogram: of each sign, 2..kMaxExponentialBuckets
  double zero_threshold = kDefaultZeroThreshold;  ///< kExponentialHistogram: |value| up to it counts as zero

  friend bool operator==(const Declaration&, const Declaration&) = default;
};

/// Whether every part is in its range; label_keys in any order. kInvalidMetricName, kInvalidLabelName (also for
/// `le` on a histogram), kInvalidBounds or kInvalidDeclaration otherwise.
Error Check(const Declaration& declaration);

/// Writes a checked declaration whose label_keys are sorted.
void Write(const Declaration& declaration, ByteWriter& writer);

/// Replaces `declaration` by what Write() wrote and checks it; kCorrupt for anything else, unsorted label names
/// too.
Error ReadDeclaration(std::string_view bytes, Declaration& declaration);

}  // namespace isotel::metrics

// What an exposition shows: the families of a snapshot by their exposed names, each with all its series.
//
// Families that end up under one name are one family: when their kinds differ, the one that appeared last is
// shown; series with equal labels are merged, histograms with different bounds on the bounds they share, where
// their cumulative counts are exact.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "export/metric_names.h"
#include "metrics/snapshot.h"

namespace isotel::exposition {

struct ExposedSeries {
  const metrics::Declaration* declaration = nullptr;  ///< bounds, zero threshold
  const std::vector<std::string>* keys = nullptr;     ///< escaped label names
  std::string_view labels;                            ///< of keys, see metrics/labels.h
  const metrics::Point* point = nullptr;
};

struct ExposedFamily {
  std::string name;  ///< escaped, with unit, without `_total`
  std::string unit;  ///< empty unless the name ends with it
  std::string_view help;
  metrics::Kind kind = metrics::Kind::kCounter;
  std::vector<ExposedSeries> series;  ///< not empty
};

struct ExposeOptions {
  Escaping escaping = Escaping::kUnderscores;
  /// Adds the families of metrics/aggregator_counters.def, the version, how many snapshots are missing and, unless all
  /// are, the age as of `now_unix_ms`.
  bool self_metrics = false;
  /// Snapshots that should have been merged and are not there.
  uint32_t missing_snapshots = 0;
  double now_unix_ms = 0;
};

class ExposedFamilies {
 public:
  /// Keeps views on the snapshot, which must outlive it unchanged.
  ExposedFamilies(const metrics::Snapshot& snapshot, const ExposeOptions& options);
  ExposedFamilies(const ExposedFamilies&) = delete;
  ExposedFamilies& operator=(const ExposedFamilies&) = delete;

  /// Ascending by name, no name twice.
  [[nodiscard]] const std::vector<ExposedFamily>& families() const { return families_; }

 private:
  // A family as it is declared.
  struct Source {
    const metrics::Declaration* declaration = nullptr;
    std::string name;
    std::string unit;
    std::vector<std::string> keys;
    uint64_t since_unix_ms = UINT64_MAX;
    std::vector<ExposedSeries> series;
  };
  struct Owned {
    metrics::Declaration declaration;
    metrics::Point point;
  };

  Source& AddSource(const metrics::Declaration& declaration, Escaping escaping);
  void AddSelfMetrics(const metrics::Snapshot& snapshot, const ExposeOptions& options);
  void AddSelfMetric(std::string_view name, metrics::Kind kind, std::string_view unit, std::string_view help,
                     double value, const ExposeOptions& options);
  void AddGroup(const std::vector<uint32_t>& order, size_t first, size_t end);
  void MergeEqualSeries(std::vector<ExposedSeries>& series);

  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::unique_ptr<Owned>> owned_;
  std::vector<ExposedFamily> families_;
};

}  // namespace isotel::exposition

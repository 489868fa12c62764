// The families of an exposition, by their exposed names, each with all its series.
//
// Families with the same exposed name are one family. When their kinds differ, it shows the newest. It merges series
// with equal labels; histograms with different bounds are merged on the bounds they share, where cumulative counts are
// exact.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exposition/metric_names.h"
#include "metrics/snapshot.h"

namespace isotel::exposition {

struct ExposedSeries {
  const metrics::Declaration* declaration = nullptr;  ///< bounds, zero threshold
  const std::vector<std::string>* keys = nullptr;     ///< escaped label names
  std::string_view labels;                            ///< values of the keys, see metrics/labels.h
  const metrics::Point* point = nullptr;
};

struct ExposedFamily {
  std::string name;  ///< escaped, with unit, without `_total`
  std::string unit;  ///< empty if the name does not end with it
  std::string_view help;
  metrics::Kind kind = metrics::Kind::kCounter;
  std::vector<ExposedSeries> series;  ///< not empty
};

struct ExposeOptions {
  Escaping escaping = Escaping::kUnderscores;
  /// Adds the families of metrics/aggregator_counters.def, the version, the number of missing snapshots and the age at
  /// `now_unix_ms`. Without any snapshot there is no age.
  bool self_metrics = false;
  /// Number of expected snapshots that are missing.
  uint32_t missing_snapshots = 0;
  double now_unix_ms = 0;
};

class ExposedFamilies {
 public:
  /// Keeps views on the snapshot, which must outlive this object unchanged.
  ExposedFamilies(const metrics::Snapshot& snapshot, const ExposeOptions& options);
  ExposedFamilies(const ExposedFamilies&) = delete;
  ExposedFamilies& operator=(const ExposedFamilies&) = delete;

  /// Ascending by name, without duplicates.
  [[nodiscard]] const std::vector<ExposedFamily>& families() const { return families_; }

 private:
  // A declared family.
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

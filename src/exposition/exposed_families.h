// The families of an exposition, by their exposed names, each with all its series.
//
// Several declarations may have the same exposed name:
//
// - Those that differ in their help, their labels or the aggregation of a gauge become one family. Series with equal
//   labels are added up. Gauges are combined as the newest declaration says.
// - Those that differ in their own names or in the buckets of a histogram become one family each. These families have
//   the same exposed name and are called variants. Every variant except the oldest has the label isotel_definition. A
//   series always belongs to the same variant. Only the current variant of a histogram shows buckets, because a sum
//   over buckets of different bounds is wrong. The other variants show their sums and counts.
// - A gauge with the name of a histogram, or of a sample of another family, gets a name that ends with `_gauge`.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exposition/metric_names.h"
#include "metrics/snapshot.h"

namespace isotel::exposition {

/// The label that tells variants apart. Its value is a hash of what distinguishes them.
inline constexpr std::string_view kDefinitionLabel = "isotel_definition";

struct ExposedSeries {
  const metrics::Declaration* declaration = nullptr;  ///< bounds, zero threshold
  const std::vector<std::string>* keys = nullptr;     ///< escaped label names
  std::string_view labels;                            ///< values of the keys, see metrics/labels.h
  const metrics::Point* point = nullptr;
};

struct ExposedFamily {
  std::string name;                                   ///< escaped, with unit, without `_total`
  const metrics::Declaration* declaration = nullptr;  ///< the newest
  uint64_t since_unix_ms = 0;                         ///< when the first value was written; 0 if that is not known
  uint64_t written_unix_ms = 0;  ///< when the last value was written, to the minute; 0 if that is not known
  std::string definition;        ///< value of the label isotel_definition; empty if the series do not have it
  bool is_superseded = false;    ///< a histogram that shows its sums and counts only
  bool has_shared_name = false;  ///< a counter, and a family of another kind has its name too
  std::string unit;              ///< empty if the name does not end with it
  std::string_view help;
  metrics::Kind kind = metrics::Kind::kCounter;
  std::vector<ExposedSeries> series;  ///< not empty
};

/// A variant that was not written for this long makes room for one that was.
inline constexpr uint64_t kSupersededAfterMs = 300'000;

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

  /// Ascending by name. Families with the same name are a counter and the variants of a histogram, in this order.
  [[nodiscard]] const std::vector<ExposedFamily>& families() const { return families_; }

 private:
  // A declared family.
  struct Source {
    const metrics::Declaration* declaration = nullptr;
    std::string name;
    std::string unit;
    std::vector<std::string> keys;
    uint64_t since_unix_ms = 0;
    uint64_t written_unix_ms = 0;
    std::vector<ExposedSeries> series;
  };
  using Sources = std::vector<Source*>;
  struct Owned {
    metrics::Declaration declaration;
    metrics::Point point;
  };

  Source& AddSource(const metrics::Declaration& declaration, Escaping escaping);
  void AddSelfMetrics(const metrics::Snapshot& snapshot, const ExposeOptions& options);
  void AddSelfMetric(std::string_view name, metrics::Kind kind, std::string_view unit, std::string_view help,
                     double value, const ExposeOptions& options);
  void AddGroups(uint64_t now_unix_ms);
  void AddGroup(const Sources& group, uint64_t now_unix_ms);
  void AddVariants(const Sources& sources, uint64_t now_unix_ms);
  ExposedFamily& AddFamily(const Sources& sources);
  void MergeEqualSeries(metrics::Kind kind, std::vector<ExposedSeries>& series);
  void SeparateNames();
  // Returns the position of the first family with this name, or where it would be.
  [[nodiscard]] size_t FirstNamed(std::string_view name) const;
  // Returns whether a counter or a histogram has a sample of this name.
  [[nodiscard]] bool IsSampleOfAnother(std::string_view name) const;

  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::unique_ptr<Owned>> owned_;
  std::vector<ExposedFamily> families_;
};

}  // namespace isotel::exposition

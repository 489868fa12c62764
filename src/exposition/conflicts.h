// Definitions of metrics that an exposition shows under one name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "metrics/store.h"

namespace isotel::exposition {

/// A metric as expositions name it.
struct NamedMetric {
  std::string name;  ///< with unit, without `_total`, escaped to underscores
  metrics::Kind kind = metrics::Kind::kCounter;
};

[[nodiscard]] NamedMetric NamedMetricOf(const metrics::Declaration& declaration);

/// Returns whether the names of the families or of their samples overlap.
[[nodiscard]] bool ShareNames(const NamedMetric& a, const NamedMetric& b);

/// Returns what has to be equal for the series of two families to be added up: the name, the kind and the buckets. The
/// kinds of gauges count as one.
[[nodiscard]] std::string DefinitionKey(const metrics::Declaration& declaration);

/// Returns the number of an earlier family whose names overlap with those of `family`, or Store::kNone: one of the same
/// name and kind if there is one. A definition that differs only in help, unit or labels is not a conflict. Another
/// aggregation of a gauge is one.
[[nodiscard]] uint32_t FindConflict(const metrics::Store& store, uint32_t family);

/// Returns a flag for each family of `store`: 1 if it is the oldest of several definitions that an exposition shows as
/// variants of one metric. It has to stay known after its last series: the series of the next one would otherwise lose
/// their label isotel_definition and become other series.
///
/// `others` are the totals of the other shards, or null. Families with a flag in `removed` do not count as variants.
[[nodiscard]] std::vector<uint8_t> OldestVariants(const metrics::Store& store, const metrics::Store* others,
                                                  const std::vector<uint8_t>& removed = {});

/// Returns whether a metric has this name, as it was declared or as an exposition shows it, with or without `_total`.
[[nodiscard]] bool HasName(const metrics::Declaration& declaration, std::string_view name);

}  // namespace isotel::exposition

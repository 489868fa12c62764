// The kinds of metric families (kinds.def).
#pragma once

#include <cstdint>
#include <string_view>

namespace isotel::metrics {

enum class Kind : uint8_t {
#define ISOTEL_METRIC_KIND(name, code, text, prometheus_type) name = code,
#include "metrics/kinds.def"
#undef ISOTEL_METRIC_KIND
};

inline constexpr uint8_t kKindCount = 0
#define ISOTEL_METRIC_KIND(name, code, text, prometheus_type) +1
#include "metrics/kinds.def"
#undef ISOTEL_METRIC_KIND
    ;

/// A gauge: the last value of each producer counts, for as long as it is fresh.
[[nodiscard]] constexpr bool IsGauge(Kind kind) { return kind >= Kind::kGaugeSum && kind <= Kind::kGaugeLast; }
[[nodiscard]] constexpr bool IsHistogram(Kind kind) { return kind >= Kind::kHistogram; }

/// The text of kinds.def.
[[nodiscard]] std::string_view KindText(Kind kind);
/// The TYPE of a Prometheus exposition.
[[nodiscard]] std::string_view PrometheusType(Kind kind);

}  // namespace isotel::metrics

// The kinds of metric families, from the table kinds.def.
#pragma once

#include <cstdint>
#include <string_view>

namespace isotel::metrics {

enum class Kind : uint8_t {
#define ISOTEL_METRIC_KIND(name, code, text, prometheus_type) name = code,
#include "metrics/kinds.def"
#undef ISOTEL_METRIC_KIND
};

struct KindInfo {
  std::string_view text;             ///< in JSON expositions
  std::string_view prometheus_type;  ///< TYPE in Prometheus expositions
};

/// By code.
inline constexpr KindInfo kKinds[] = {
#define ISOTEL_METRIC_KIND(name, code, text, prometheus_type) {text, prometheus_type},
#include "metrics/kinds.def"
#undef ISOTEL_METRIC_KIND
};

inline constexpr uint8_t kKindCount = sizeof kKinds / sizeof kKinds[0];

[[nodiscard]] constexpr const KindInfo& Info(Kind kind) { return kKinds[static_cast<uint8_t>(kind)]; }

/// An aggregator keeps the last value that each producer wrote to a gauge, until that value expires.
[[nodiscard]] constexpr bool IsGauge(Kind kind) { return kind >= Kind::kGaugeSum && kind <= Kind::kGaugeLast; }
[[nodiscard]] constexpr bool IsHistogram(Kind kind) { return kind >= Kind::kHistogram; }
/// Whether the value of a point is its exact sum. Other gauges have a double.
[[nodiscard]] constexpr bool IsSum(Kind kind) { return kind == Kind::kCounter || kind == Kind::kGaugeSum; }

}  // namespace isotel::metrics

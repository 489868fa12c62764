#include "metrics/kind.h"

namespace isotel::metrics {

std::string_view KindText(Kind kind) {
  switch (kind) {
#define ISOTEL_METRIC_KIND(name, code, text, prometheus_type) \
  case Kind::name:                                            \
    return text;
#include "metrics/kinds.def"
#undef ISOTEL_METRIC_KIND
  }
  return "";
}

std::string_view PrometheusType(Kind kind) {
  if (kind == Kind::kCounter) return "counter";
  return IsGauge(kind) ? "gauge" : "histogram";
}

}  // namespace isotel::metrics

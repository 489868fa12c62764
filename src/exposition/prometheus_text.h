// Prometheus text 0.0.4 and 1.0.0, and OpenMetrics 1.0.0.
//
// https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md and
// https://prometheus.io/docs/specs/om/open_metrics_spec/. Exponential histograms have no text form: they
// become classic histograms with powers of two as bounds, where cumulative counts are exact.
#pragma once

#include "exposition/exposed_families.h"

namespace isotel::exposition {

/// Appends the families. Quotes names that are not plain. Text 0.0.4 has no quoted names: escape them before.
void RenderText(const ExposedFamilies& exposed, bool open_metrics, ByteWriter& writer);

}  // namespace isotel::exposition

// Prometheus text 0.0.4 and 1.0.0, and OpenMetrics 1.0.0.
//
// https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md and
// https://prometheus.io/docs/specs/om/open_metrics_spec/. Exponential histograms have no text form: they are
// shown as classic ones with powers of two as bounds, to which their buckets add up exactly.
#pragma once

#include "export/exposed_families.h"

namespace isotel::exposition {

/// Appends the families. Names that are not plain are quoted, which text 0.0.4 does not know: escape them for it.
void RenderText(const ExposedFamilies& exposed, bool open_metrics, metrics::ByteWriter& writer);

}  // namespace isotel::exposition

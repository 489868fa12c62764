// Length-delimited io.prometheus.client.MetricFamily messages, with native histograms.
//
// https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
#pragma once

#include "exposition/exposed_families.h"

namespace isotel::exposition {

/// Appends a message for each family.
void RenderProtobuf(const ExposedFamilies& exposed, ByteWriter& writer);

}  // namespace isotel::exposition

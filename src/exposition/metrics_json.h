// A snapshot as JSON, for people and scripts. It is written by hand: the shape is fixed, and a JSON library would be
// larger than the whole exposition.
//
// {"families":[{"name","type","unit","help","series":[{"labels":{},"created_unix_ms", and
//   counters and gauges:    "value"
//   histograms:             "count", "sum", "buckets":[[upper bound or "+Inf", cumulative count], ...]
//   exponential histograms: "count", "sum", "schema", "zero_threshold", "zero_count",
//                           "positive":{"first","counts"}, "negative":{"first","counts"}
// }]}]}. Numbers that JSON cannot represent are the strings "NaN", "+Inf" and "-Inf". Gauges have
// "updated_unix_ms" instead of "created_unix_ms". "type" is the text of metrics/kinds.def.
#pragma once

#include "exposition/exposed_families.h"

namespace isotel::exposition {

/// Appends the document.
void RenderJson(const ExposedFamilies& exposed, ByteWriter& writer);

}  // namespace isotel::exposition

// The fields of a metric and its points.
#pragma once

#include "otlp/field.h"

namespace isotel::otlp {

namespace metric {
inline constexpr Field kName{1, "name"};
inline constexpr Field kDescription{2, "description"};
inline constexpr Field kUnit{3, "unit"};
inline constexpr Field kGauge{5, "gauge"};
inline constexpr Field kSum{7, "sum"};
inline constexpr Field kHistogram{9, "histogram"};
inline constexpr Field kExponentialHistogram{10, "exponentialHistogram"};
}  // namespace metric

// Fields of Gauge, Sum and both histograms.
namespace data {
inline constexpr Field kPoints{1, "dataPoints"};
inline constexpr Field kTemporality{2, "aggregationTemporality"};
inline constexpr Field kIsMonotonic{3, "isMonotonic"};
}  // namespace data

// Fields of all points.
inline constexpr Field kStartTime{2, "startTimeUnixNano"};
inline constexpr Field kTime{3, "timeUnixNano"};
// Fields of the points of both histograms.
inline constexpr Field kCount{4, "count"};
inline constexpr Field kPointSum{5, "sum"};

namespace number {
inline constexpr Field kAsDouble{4, "asDouble"};
inline constexpr Field kExemplars{5, "exemplars"};
inline constexpr Field kAsInt{6, "asInt"};
inline constexpr Field kAttributes{7, "attributes"};
}  // namespace number

namespace histogram {
inline constexpr Field kBucketCounts{6, "bucketCounts"};
inline constexpr Field kExplicitBounds{7, "explicitBounds"};
inline constexpr Field kExemplars{8, "exemplars"};
inline constexpr Field kAttributes{9, "attributes"};
}  // namespace histogram

namespace exponential {
inline constexpr Field kAttributes{1, "attributes"};
inline constexpr Field kScale{6, "scale"};
inline constexpr Field kZeroCount{7, "zeroCount"};
inline constexpr Field kPositive{8, "positive"};
inline constexpr Field kNegative{9, "negative"};
inline constexpr Field kExemplars{11, "exemplars"};
inline constexpr Field kZeroThreshold{14, "zeroThreshold"};
inline constexpr Field kOffset{1, "offset"};
inline constexpr Field kBucketCounts{2, "bucketCounts"};
}  // namespace exponential

namespace exemplar {
inline constexpr Field kTime{2, "timeUnixNano"};
inline constexpr Field kAsDouble{3, "asDouble"};
inline constexpr Field kSpanId{4, "spanId"};
inline constexpr Field kTraceId{5, "traceId"};
}  // namespace exemplar

}  // namespace isotel::otlp

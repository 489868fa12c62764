// Every bound of the core in one place. What a bound drops is counted in counters.def.
#pragma once

#include <cstddef>
#include <cstdint>

namespace isotel {

/// Spans open at the same time in one isolate; one more gives up the oldest.
inline constexpr uint32_t kMaxOpenSpans = 10'000;
/// Spans open at the same time in one invocation scope.
inline constexpr uint32_t kMaxOpenSpansPerScope = 1'000;
/// Invocation scopes open at the same time in one isolate; one more forgets the oldest.
inline constexpr uint32_t kMaxOpenScopes = 10'000;

/// Attributes the user may set on one span (OpenTelemetry's default). The attributes of fields.def come on
/// top: the table bounds them.
inline constexpr uint32_t kMaxUserAttributes = 128;
/// UTF-8 bytes of one attribute value.
inline constexpr uint32_t kMaxAttributeValueBytes = 28 * 1024;
/// What the Workers runtime keeps of one span: the sum of key and value bytes.
inline constexpr uint32_t kNativeSpanBytes = 64 * 1024;
/// Kept free until the span ends, for usage, outcome and the drop counts.
inline constexpr uint32_t kReservedFinishBytes = 4 * 1024;
/// A text is dropped rather than cut shorter than this.
inline constexpr uint32_t kMinCutBytes = 64;
/// UTF-8 bytes of a span name the Workers runtime keeps.
inline constexpr size_t kMaxNameBytes = 64;

inline constexpr uint32_t kMaxInternedTexts = 4'096;
inline constexpr size_t kMaxInternedBytes = size_t{1} << 20;
/// Models with a price.
inline constexpr uint32_t kMaxPrices = 1'000;
/// The text buffer shared with the host.
inline constexpr size_t kMaxBufferBytes = size_t{16} << 20;

/// Metric families of one registry, and of one store of totals.
inline constexpr uint32_t kMaxFamilies = 1'000;
/// Label sets of one family in one registry, unless it asks for less; what comes after goes to the overflow
/// series.
inline constexpr uint32_t kMaxSeriesPerFamily = 2'000;
/// Series of one store of totals.
inline constexpr uint32_t kMaxSeries = 100'000;
/// UTF-8 bytes of a metric or label name.
inline constexpr size_t kMaxMetricNameBytes = 255;
inline constexpr size_t kMaxUnitBytes = 63;
inline constexpr size_t kMaxHelpBytes = 1'024;
inline constexpr uint32_t kMaxLabels = 32;
/// Encoded label values of one series; longer ones go to the overflow series.
inline constexpr size_t kMaxLabelBytes = 4'096;
/// Upper bounds of an explicit histogram, without +Inf.
inline constexpr uint32_t kMaxBounds = 256;
/// Buckets of one sign of an exponential histogram before it halves its resolution.
inline constexpr uint32_t kMaxExponentialBuckets = 512;
/// Exemplars of one exponential histogram; explicit ones keep one a bucket.
inline constexpr uint32_t kMaxExponentialExemplars = 4;
/// Bytes of one delta frame: fits a queue message.
inline constexpr size_t kMaxFrameBytes = 120'000;
/// Frames not yet committed; past it a flush leaves its data in the registry.
inline constexpr size_t kMaxPendingBytes = size_t{1} << 20;
/// Producers an aggregator remembers.
inline constexpr uint32_t kMaxProducers = 100'000;
/// Runs of sequence numbers an aggregator remembers of one producer past the first gap.
inline constexpr uint32_t kMaxSequenceRuns = 64;
/// Gauge series an aggregator keeps of one producer.
inline constexpr uint32_t kMaxGaugesPerProducer = 512;

/// Bytes of one OTLP request, encoded; no backend takes as many.
inline constexpr size_t kMaxOtlpBytes = size_t{16} << 20;
/// Lists and maps inside one another in one OTLP value.
inline constexpr uint32_t kMaxValueDepth = 32;
/// UTF-8 bytes of what identifies a span of Flue; an event with more is dropped.
inline constexpr size_t kMaxFlueKeyBytes = 1'024;
/// Flue's spans open at the same time in one isolate; one more gives up the oldest.
inline constexpr uint32_t kMaxOpenFlueSpans = 10'000;
/// A span of Flue is given up when it is older.
inline constexpr double kMaxFlueSpanAgeMs = 24.0 * 3'600'000;
/// Runs, operations and tasks that ended and are remembered, so that what comes late opens nothing.
inline constexpr size_t kMaxEndedFlueScopes = 4'096;

}  // namespace isotel

// Every limit of the core. counters.def counts what each limit drops.
#pragma once

#include <cstddef>
#include <cstdint>

namespace isotel {

#define ISOTEL_HOST_LIMIT(name, value, type) inline constexpr type name = value;
#include "base/host_limits.def"
#undef ISOTEL_HOST_LIMIT

/// Spans open at the same time in one isolate. Opening one more evicts the oldest.
inline constexpr uint32_t kMaxOpenSpans = 10'000;
/// Spans open at the same time in one invocation scope.
inline constexpr uint32_t kMaxOpenSpansPerScope = 1'000;
/// Invocation scopes open at the same time in one isolate. Opening one more evicts the oldest.
inline constexpr uint32_t kMaxOpenScopes = 10'000;

/// Attributes that the user may set on one span: OpenTelemetry's default. Attributes of fields.def do not count; the
/// table bounds them.
inline constexpr uint32_t kMaxUserAttributes = 128;
/// UTF-8 bytes of one attribute value.
inline constexpr uint32_t kMaxAttributeValueBytes = 28 * 1024;
/// Attribute bytes that the Workers runtime keeps of one span: the sum of keys and values.
inline constexpr uint32_t kNativeSpanBytes = 64 * 1024;
/// Reserved for the end of the span: usage, outcome and the drop counts.
inline constexpr uint32_t kReservedFinishBytes = 4 * 1024;
/// A text that would have to be shorter than this is dropped.
inline constexpr uint32_t kMinCutBytes = 64;

inline constexpr uint32_t kMaxInternedTexts = 4'096;
inline constexpr size_t kMaxInternedBytes = size_t{1} << 20;
/// Models with a price.
inline constexpr uint32_t kMaxPrices = 1'000;
/// The text buffer shared with the host.
inline constexpr size_t kMaxBufferBytes = size_t{16} << 20;

/// Metric families of one registry, and of one store of totals.
inline constexpr uint32_t kMaxFamilies = 1'000;
/// Series of one store of totals.
inline constexpr uint32_t kMaxSeries = 100'000;
/// Exemplars of one exponential histogram. An explicit histogram keeps one for each bucket.
inline constexpr uint32_t kMaxExponentialExemplars = 4;
/// Bytes of one delta frame: it fits into a queue message.
inline constexpr size_t kMaxFrameBytes = 120'000;
/// Bytes of frames that are not committed. At this limit a flush leaves its data in the registry.
inline constexpr size_t kMaxPendingBytes = size_t{1} << 20;
/// Producers that an aggregator has in memory. Further ones are archived, those first that were idle longest.
inline constexpr uint32_t kMaxResidentProducers = 16'384;
/// Gauge values that an aggregator has in memory, of all producers.
inline constexpr uint32_t kMaxResidentGauges = 262'144;
/// Runs of sequence numbers after the first gap that an aggregator remembers of one producer.
inline constexpr uint32_t kMaxSequenceRuns = 64;
/// Gauge series an aggregator keeps of one producer.
inline constexpr uint32_t kMaxGaugesPerProducer = 512;

/// Bytes of one encoded OTLP request. This is more than any backend accepts.
inline constexpr size_t kMaxOtlpBytes = size_t{16} << 20;
/// Nesting depth of lists and maps in one OTLP value.
inline constexpr uint32_t kMaxValueDepth = 32;
/// UTF-8 bytes of the identifiers of a Flue span. An event with more is dropped.
inline constexpr size_t kMaxFlueKeyBytes = 1'024;
/// Flue spans open at the same time in one isolate. Opening one more ends the oldest.
inline constexpr uint32_t kMaxOpenFlueSpans = 10'000;
/// Age at which an open Flue span is ended.
inline constexpr double kMaxFlueSpanAgeMs = 24.0 * 3'600'000;
/// Ended runs, operations and tasks that are remembered, so that late events open no spans.
inline constexpr size_t kMaxEndedFlueScopes = 4'096;

}  // namespace isotel

// Decides which traces are sampled.
#pragma once

#include <cstdint>
#include <span>

namespace isotel::context {

/// The sampling decision of the parent span.
enum class Parent : uint32_t { kNone = 0, kNotSampled = 1, kSampled = 2 };

/// OpenTelemetry's parent-based sampler over TraceIdRatioBased. A child has the decision of its parent. Of the traces
/// that start here, the fraction `ratio` is sampled. The decision depends on the trace identifier alone and equals that
/// of OpenTelemetry's SDK for JavaScript. NaN is 0.
[[nodiscard]] bool ShouldSample(Parent parent, std::span<const char, 16> trace_id, double ratio);

}  // namespace isotel::context

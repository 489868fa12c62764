// Which traces are recorded.
#pragma once

#include <cstdint>
#include <span>

namespace isotel::context {

/// What is known of the parent of a span.
enum class Parent : uint32_t { kNone = 0, kNotSampled = 1, kSampled = 2 };

/// OpenTelemetry's parent-based sampler over TraceIdRatioBased: a child goes with its parent, of traces that start here
/// the fraction `ratio`, by their identifier, as OpenTelemetry's SDK for JavaScript decides: the same trace identifier and
/// ratio have the same answer there. What is not a number is 0.
[[nodiscard]] bool ShouldSample(Parent parent, std::span<const char, 16> trace_id, double ratio);

}  // namespace isotel::context

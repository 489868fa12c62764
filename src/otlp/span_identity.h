// Trace and span identifiers and times of OTLP.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace isotel::otlp {

using TraceId = std::array<char, 16>;
using SpanId = std::array<char, 8>;

template <size_t N>
[[nodiscard]] std::string_view ViewOf(const std::array<char, N>& id) {
  return {id.data(), N};
}

/// Reads 2 N hexadecimal digits of either case. Returns false and sets `id` to zeros for anything else, and for zeros
/// alone.
template <size_t N>
bool ReadId(std::string_view digits, std::array<char, N>& id);

/// Returns nanoseconds since the Unix epoch, rounded to the nearest. Returns 0 for negative times and NaN, and
/// UINT64_MAX for times after the year 2554.
[[nodiscard]] uint64_t ToUnixNano(double unix_ms);

}  // namespace isotel::otlp

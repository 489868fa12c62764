// Trace and span identifiers, and times, as OTLP has them.
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

/// Reads 2 N hexadecimal digits of either case. False, with `id` all zero, for anything else and for zeros alone.
template <size_t N>
bool ReadId(std::string_view digits, std::array<char, N>& id);

/// Nanoseconds since the Unix epoch, rounded to the nearest; 0 for what is negative or not a number, the largest
/// there is for what comes after it (the year 2554).
[[nodiscard]] uint64_t ToUnixNano(double unix_ms);

}  // namespace isotel::otlp

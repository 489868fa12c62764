// Numbers as decimal text: the shortest that reads back as the same double, the nearest of those to it.
//
// Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles") with powers of ten rebuilt from every
// 27th: 400 bytes of table where std::to_chars(double) brings 100 KB into a Wasm module, if it is there at all.
#pragma once

#include <cstddef>
#include <cstdint>

namespace isotel::exposition {

/// Bytes the functions below write at most.
inline constexpr size_t kMaxNumberBytes = 32;

/// How infinities, NaN and whole numbers are written.
enum class NumberStyle : uint8_t {
  kShort,  ///< 1, 0.5, 1e+21, +Inf, -Inf, NaN
  kFloat,  ///< the same with 1.0: canonical in OpenMetrics where a float is asked for
};

/// Writes `value` to `out`; returns where it ends. Positional from 1e-7 up to 1e21, scientific outside.
char* WriteDouble(double value, NumberStyle style, char* out);
char* WriteUint(uint64_t value, char* out);
char* WriteInt(int64_t value, char* out);

/// digits * 10^exponent == the shortest decimal of a positive finite double; digits has no trailing zero.
struct Decimal {
  uint64_t digits = 0;
  int exponent = 0;
};
[[nodiscard]] Decimal ShortestDecimal(double value);

}  // namespace isotel::exposition

// Numbers as decimal text: the shortest text that reads back as the same double, and of these the nearest.
//
// Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles"). The table has every 27th power of ten, in 400
// bytes; the others are computed. std::to_chars(double) adds 100 KB to a Wasm module and is missing in older libraries.
#pragma once

#include <cstddef>
#include <cstdint>

namespace isotel {

/// A double has every whole number up to this one.
inline constexpr double kMaxExactInteger = 0x1p53;

/// The functions below write at most this many bytes.
inline constexpr size_t kMaxNumberBytes = 32;

/// How infinities, NaN and whole numbers are written.
enum class NumberStyle : uint8_t {
  kShort,  ///< 1, 0.5, 1e+21, +Inf, -Inf, NaN
  kFloat,  ///< the same with 1.0: canonical in OpenMetrics where a float is asked for
};

/// Writes `value` to `out` and returns where the text ends. Positional from 1e-7 up to 1e21, scientific outside.
char* WriteDouble(double value, NumberStyle style, char* out);
char* WriteUint(uint64_t value, char* out);
char* WriteInt(int64_t value, char* out);

/// digits * 10^exponent == the shortest decimal of a positive finite double; digits has no trailing zero.
struct Decimal {
  uint64_t digits = 0;
  int exponent = 0;
};
[[nodiscard]] Decimal ShortestDecimal(double value);

}  // namespace isotel

// Metric and label names of expositions.
//
// Names are UTF-8. A scraper that does not accept UTF-8 names asks for an escaping scheme
// (https://prometheus.io/docs/instrumenting/escaping_schemes/).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "metrics/declaration.h"

namespace isotel::exposition {

/// Codes are part of the ABI.
enum class Escaping : uint32_t {
  kUnderscores = 0,  ///< every other character becomes `_`
  kDots = 1,         ///< `.` becomes `_dot_`, `_` becomes `__`, the rest `__`
  kValues = 2,       ///< `U__` and code points in hexadecimal between `_`
  kUtf8 = 3,         ///< unchanged ("allow-utf-8")
};
inline constexpr uint32_t kEscapingCount = 4;

/// Returns the word for a Content-Type.
[[nodiscard]] std::string_view EscapingText(Escaping escaping);

/// Returns whether a name needs no escaping: [a-zA-Z_][a-zA-Z0-9_]*, for a metric also with `:`.
[[nodiscard]] bool IsPlainName(std::string_view name, bool metric);

[[nodiscard]] std::string Escape(std::string_view name, Escaping escaping, bool metric);

/// Returns the unit as the last word of a name. Returns an empty text without a unit, for an annotation ("{token}"),
/// and for "1" except on gauges, where it returns "ratio".
[[nodiscard]] std::string UnitWord(const metrics::Declaration& declaration);

/// Returns the unescaped family name: without `_total` on a counter, and with the word of the unit at the end.
[[nodiscard]] std::string BaseName(const metrics::Declaration& declaration, std::string_view unit_word);

}  // namespace isotel::exposition

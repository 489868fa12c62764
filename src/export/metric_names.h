// Metric and label names as Prometheus takes them.
//
// Names are UTF-8; a scraper that does not take that asks for an escaping scheme
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
  kUtf8 = 3,         ///< as it is ("allow-utf-8")
};
inline constexpr uint32_t kEscapingCount = 4;

/// The word of a Content-Type.
[[nodiscard]] std::string_view EscapingText(Escaping escaping);

/// Whether a name needs no escaping: [a-zA-Z_][a-zA-Z0-9_]*, for a metric also with `:`.
[[nodiscard]] bool IsPlainName(std::string_view name, bool metric);

[[nodiscard]] std::string Escape(std::string_view name, Escaping escaping, bool metric);

/// The unit as a word for the end of a name; empty for none, for an annotation ("{token}") and for "1" unless
/// it is a gauge, which is then a ratio.
[[nodiscard]] std::string UnitWord(const metrics::Declaration& declaration);

/// The unescaped family name: `_total` removed from a counter's, the unit's word added unless it is there.
[[nodiscard]] std::string BaseName(const metrics::Declaration& declaration, std::string_view unit_word);

}  // namespace isotel::exposition

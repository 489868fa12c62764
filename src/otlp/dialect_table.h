// The rows of dialects.def in a compact form: all texts in one pool, each once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace isotel::otlp {

/// In the order of dialects.def.
enum class Dialect : uint32_t {
  kNone = 0,
  kOpenInference = 1,
  kLangfuse = 2,
  kLangSmith = 3,
  kBraintrust = 4,
  kSentry = 5,
};

/// See dialects.def.
enum class DialectRule : uint8_t {
  kRename,
  kCopy,
  kKind,
  kPrefix,
  kConstant,
  kMime,
  kSum,
  kMember,
  kRest,
  kFirst,
  kTime,
  kSystem,
  kMessages,
  kTools,
};

/// The place of a text in the pool. Equal texts have equal places.
using DialectText = uint16_t;

/// Bytes of the longest text.
inline constexpr size_t kMaxDialectTextBytes = 64;

struct DialectRow {
  DialectRule rule;
  uint8_t spans;
  DialectText from;
  DialectText to;
  DialectText detail;  ///< of a member of JSON: its name with quotes and a colon
};

/// What the operation of a span means in a dialect.
struct DialectOperation {
  uint8_t spans = 0;
  std::string_view kind;
};

/// The rows of a dialect other than kNone.
struct DialectRows {
  uint32_t first;
  uint32_t end;
};
[[nodiscard]] DialectRows RowsOf(Dialect dialect);
[[nodiscard]] DialectRow RowAt(uint32_t row);
/// Returns the text at a place.
[[nodiscard]] std::string_view TextAt(DialectText place);
/// `operation` is gen_ai.operation.name. Any other text stands for a span without a known operation.
[[nodiscard]] DialectOperation OperationOf(std::string_view operation, Dialect dialect);

}  // namespace isotel::otlp

#include "context/trace_parent.h"

#include "base/characters.h"

namespace isotel::context {
namespace {

constexpr size_t kVersionSize = 2;
constexpr size_t kTraceIdAt = 3;
constexpr size_t kTraceIdSize = 32;
constexpr size_t kSpanIdAt = 36;
constexpr size_t kSpanIdSize = 16;
constexpr size_t kFlagsAt = 53;
constexpr size_t kSize = 55;

bool AreDigits(std::string_view text) { return AreAll(text, IsHexDigit); }

bool IsIdentifier(std::string_view text) {
  return AreDigits(text) && !AreAll(text, [](char c) { return c == '0'; });
}

uint8_t ValueOf(char digit) { return static_cast<uint8_t>(IsDigit(digit) ? digit - '0' : digit - 'a' + 10); }

}  // namespace

Result<TraceParent> ParseTraceParent(std::string_view header) {
  const std::string_view text = Trim(header);
  if (text.size() < kSize) return Error::kInvalidValue;
  if (!AreDigits(text.substr(0, kVersionSize)) || (text[0] == 'f' && text[1] == 'f')) return Error::kInvalidValue;
  const bool is_first = text[0] == '0' && text[1] == '0';
  if (text.size() > kSize && (is_first || text[kSize] != '-')) return Error::kInvalidValue;
  if (text[kTraceIdAt - 1] != '-' || text[kSpanIdAt - 1] != '-' || text[kFlagsAt - 1] != '-') {
    return Error::kInvalidValue;
  }
  const std::string_view flags = text.substr(kFlagsAt, 2);
  const TraceParent parent{
      .trace_id = text.substr(kTraceIdAt, kTraceIdSize),
      .span_id = text.substr(kSpanIdAt, kSpanIdSize),
      .flags = AreDigits(flags) ? static_cast<uint8_t>(ValueOf(flags[0]) << 4 | ValueOf(flags[1])) : uint8_t{0}};
  if (!AreDigits(flags) || !IsIdentifier(parent.trace_id) || !IsIdentifier(parent.span_id)) {
    return Error::kInvalidValue;
  }
  return parent;
}

}  // namespace isotel::context

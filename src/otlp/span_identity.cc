#include "otlp/span_identity.h"

namespace isotel::otlp {
namespace {

// 0 to 15, or more for what is no digit.
uint32_t DigitOf(char c) {
  const auto byte = static_cast<uint8_t>(c);
  if (static_cast<uint8_t>(byte - '0') < 10) return byte - uint32_t{'0'};
  const auto letter = static_cast<uint8_t>((byte | 0x20) - 'a');
  return letter < 6 ? letter + 10U : 255U;
}

}  // namespace

template <size_t N>
bool ReadId(std::string_view digits, std::array<char, N>& id) {
  id = {};
  if (digits.size() != 2 * N) return false;
  uint32_t seen = 0;
  std::array<char, N> read;
  for (size_t i = 0; i < N; ++i) {
    const uint32_t high = DigitOf(digits[2 * i]);
    const uint32_t low = DigitOf(digits[2 * i + 1]);
    const uint32_t byte = high << 4 | low;
    if (high > 15 || low > 15) return false;
    seen |= byte;
    read[i] = static_cast<char>(byte);
  }
  if (seen == 0) return false;
  id = read;
  return true;
}

template bool ReadId(std::string_view digits, TraceId& id);
template bool ReadId(std::string_view digits, SpanId& id);

uint64_t ToUnixNano(double unix_ms) {
  constexpr double kLastMs = 18446744073709.0;
  if (!(unix_ms > 0)) return 0;
  if (unix_ms > kLastMs) return UINT64_MAX;
  const auto whole = static_cast<uint64_t>(unix_ms);
  // Exact: both have the same exponent or a smaller one.
  const double fraction = unix_ms - static_cast<double>(whole);
  return whole * 1'000'000 + static_cast<uint64_t>(fraction * 1e6 + 0.5);
}

}  // namespace isotel::otlp

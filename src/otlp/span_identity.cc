#include "otlp/span_identity.h"

#include <cstring>

namespace isotel::otlp {
namespace {

constexpr uint64_t kEach = 0x0101010101010101;

// Reads eight digits as four bytes. Returns false for anything else.
bool ReadDigits(const char* digits, uint32_t& bytes) {
  uint64_t word = 0;
  std::memcpy(&word, digits, sizeof word);
  // Letters have bit 6; their low four bits are nine below their value.
  const uint64_t letters = word >> 6 & kEach;
  const uint64_t values = (word & kEach * 0x0F) + letters * 9;
  const uint64_t above_nine = (values + kEach * 6) >> 4 & kEach;
  const uint64_t as_digits = values + kEach * '0' + above_nine * ('a' - '0' - 10);
  if ((values & kEach * 0xF0) != 0 || as_digits != (word | letters << 5)) return false;
  uint64_t pairs = (values << 4 | values >> 8) & 0x00FF00FF00FF00FF;
  pairs = (pairs | pairs >> 8) & 0x0000FFFF0000FFFF;
  bytes = static_cast<uint32_t>(pairs | pairs >> 16);
  return true;
}

}  // namespace

template <size_t N>
bool ReadId(std::string_view digits, std::array<char, N>& id) {
  id = {};
  if (digits.size() != 2 * N) return false;
  std::array<char, N> read;
  uint32_t seen = 0;
  for (size_t i = 0; i < N; i += sizeof(uint32_t)) {
    uint32_t bytes = 0;
    if (!ReadDigits(digits.data() + 2 * i, bytes)) return false;
    seen |= bytes;
    std::memcpy(read.data() + i, &bytes, sizeof bytes);
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
  // Exact: the fraction needs no more bits than unix_ms.
  const double fraction = unix_ms - static_cast<double>(whole);
  const double fraction_nano = fraction * 1e6;
  const auto nano = static_cast<uint64_t>(fraction_nano);
  return whole * 1'000'000 + nano + (fraction_nano - static_cast<double>(nano) >= 0.5 ? 1 : 0);
}

}  // namespace isotel::otlp

#include "genai/metrics_values.h"

#include <cmath>

#include "genai/usage.h"

namespace isotel::genai {
namespace {

constexpr double kTokensPerPrice = 1e6;

// Of Value::kInputTokens and those after it.
constexpr std::array kTokenFields{Field::kInputTokens, Field::kOutputTokens, Field::kCacheReadInputTokens,
                                  Field::kCacheCreationInputTokens, Field::kReasoningOutputTokens};

bool IsPrice(double price) { return price >= 0 && std::isfinite(price); }

}  // namespace

bool Complete(Price& price) {
  if (std::isnan(price.cache_read)) price.cache_read = price.input;
  if (std::isnan(price.cache_write)) price.cache_write = price.input;
  return IsPrice(price.input) && IsPrice(price.output) && IsPrice(price.cache_read) && IsPrice(price.cache_write);
}

void AddTokens(const FieldSet& fields, SpanValues& values) {
  for (size_t i = 0; i < kTokenFields.size(); ++i) {
    if (!IsCount(fields, kTokenFields[i])) continue;
    values[static_cast<size_t>(Value::kInputTokens) + i] = fields.number[static_cast<size_t>(kTokenFields[i])];
  }
}

double CostOf(const SpanValues& values, const Price& price) {
  const double* tokens = &values[static_cast<size_t>(Value::kInputTokens)];
  if (std::isnan(tokens[0]) && std::isnan(tokens[1])) return tokens[0];
  const auto count = [tokens](size_t i) { return std::isnan(tokens[i]) ? 0 : tokens[i]; };
  const double uncached = count(0) - count(2) - count(3);
  const double cost = (uncached > 0 ? uncached : 0) * price.input + count(1) * price.output +
                      count(2) * price.cache_read + count(3) * price.cache_write;
  return cost / kTokensPerPrice;
}

}  // namespace isotel::genai

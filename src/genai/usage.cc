#include "genai/usage.h"

#include <cmath>
#include <cstddef>
#include <limits>

#include "base/limits.h"

namespace isotel::genai {
namespace {

constexpr double kTokensPerPrice = 1e6;

bool IsPrice(double price) { return price >= 0 && std::isfinite(price); }

// Returns whether all prices are finite and none is below zero, after `input` has replaced NaN.
bool Complete(Price& price) {
  if (std::isnan(price.cache_read)) price.cache_read = price.input;
  if (std::isnan(price.cache_write)) price.cache_write = price.input;
  return IsPrice(price.input) && IsPrice(price.output) && IsPrice(price.cache_read) && IsPrice(price.cache_write);
}

}  // namespace

bool IsCount(const FieldSet& fields, Field field) {
  const double value = fields.number[static_cast<size_t>(field)];
  return fields.Has(field) && std::isfinite(value) && value >= 0;
}

void Rollup::Add(const FieldSet& call) {
  for (size_t i = 0; i < kRolledFields.size(); ++i) {
    if (!IsCount(call, kRolledFields[i])) continue;
    sums_[i] += call.number[static_cast<size_t>(kRolledFields[i])];
    seen_ |= 1U << i;
  }
  if (call.Has(Field::kFinishReason)) finish_reason_ = call.text_id[static_cast<size_t>(Field::kFinishReason)];
}

void Rollup::Fill(FieldSet& operation) const {
  // The total of the calls would contradict the tokens of the host.
  const bool host_counted = operation.Has(Field::kInputTokens) || operation.Has(Field::kOutputTokens);
  for (size_t i = 0; i < kRolledFields.size(); ++i) {
    if ((seen_ & (1U << i)) == 0 || operation.Has(kRolledFields[i])) continue;
    if (kRolledFields[i] == Field::kTotalTokens && host_counted) continue;
    operation.number[static_cast<size_t>(kRolledFields[i])] = sums_[i];
    operation.Add(kRolledFields[i]);
  }
}

Error PriceTable::Set(TextId model, const Price& price) {
  Price full = price;
  if (!Complete(full)) return Error::kInvalidValue;
  if (model >= numbers_.size()) numbers_.resize(size_t{model} + 1);
  uint32_t& number = numbers_[model];
  if (number == 0) {
    if (prices_.size() >= kMaxPrices) return Error::kLimitReached;
    prices_.push_back(full);
    number = static_cast<uint32_t>(prices_.size());
  }
  prices_[number - 1] = full;
  return Error::kOk;
}

const Price* PriceTable::Find(TextId model) const {
  const uint32_t number = model < numbers_.size() ? numbers_[model] : 0;
  return number == 0 ? nullptr : &prices_[number - 1];
}

double CostOf(const FieldSet& fields, const Price& price) {
  const bool is_known = IsCount(fields, Field::kInputTokens) || IsCount(fields, Field::kOutputTokens);
  if (!is_known) return std::numeric_limits<double>::quiet_NaN();
  const auto count = [&fields](Field field) {
    return IsCount(fields, field) ? fields.number[static_cast<size_t>(field)] : 0;
  };
  const double read = count(Field::kCacheReadInputTokens);
  const double written = count(Field::kCacheCreationInputTokens);
  const double uncached = count(Field::kInputTokens) - read - written;
  const double cost = (uncached > 0 ? uncached : 0) * price.input + count(Field::kOutputTokens) * price.output +
                      read * price.cache_read + written * price.cache_write;
  return cost / kTokensPerPrice;
}

void FillTotal(FieldSet& fields) {
  if (fields.Has(Field::kTotalTokens)) return;
  if (!IsCount(fields, Field::kInputTokens) || !IsCount(fields, Field::kOutputTokens)) return;
  fields.number[static_cast<size_t>(Field::kTotalTokens)] = fields.number[static_cast<size_t>(Field::kInputTokens)] +
                                                            fields.number[static_cast<size_t>(Field::kOutputTokens)];
  fields.Add(Field::kTotalTokens);
}

}  // namespace isotel::genai

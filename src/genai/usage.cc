#include "genai/usage.h"

#include <cmath>
#include <cstddef>
#include <limits>

#include "base/limits.h"

namespace isotel::genai {
bool IsCount(const FieldSet& fields, Field field) {
  const double value = fields.number[static_cast<size_t>(field)];
  return fields.Has(field) && std::isfinite(value) && value >= 0;
}

namespace {

constexpr double kTokensPerPrice = 1e6;
constexpr double kNoCost = std::numeric_limits<double>::quiet_NaN();

bool IsPrice(double price) { return price >= 0 && std::isfinite(price); }

// Returns whether all prices are finite and none is below zero, after `input` has replaced NaN.
bool Complete(Price& price) {
  if (std::isnan(price.cache_read)) price.cache_read = price.input;
  if (std::isnan(price.cache_write)) price.cache_write = price.input;
  return IsPrice(price.input) && IsPrice(price.output) && IsPrice(price.cache_read) && IsPrice(price.cache_write);
}

// Returns the cost of the tokens in the fields. NaN if neither the input tokens nor the output tokens are known. Input
// tokens include cached tokens.
double CostOf(const FieldSet& fields, const Price& price) {
  const bool is_known = IsCount(fields, Field::kInputTokens) || IsCount(fields, Field::kOutputTokens);
  if (!is_known) return kNoCost;
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

}  // namespace

void Rollup::Add(const FieldSet& call) {
  for (size_t i = 0; i < kRolledFields.size(); ++i) {
    if (!IsCount(call, kRolledFields[i])) continue;
    sums_[i] += call.number[static_cast<size_t>(kRolledFields[i])];
    seen_ |= 1U << i;
  }
  if (call.Has(Field::kFinishReason)) finish_reason_ = call.text_id[static_cast<size_t>(Field::kFinishReason)];
}

void Rollup::Fill(FieldSet& operation) const {
  // The sum of the totals may contradict token counts that the host has set.
  const bool host_counted = operation.Has(Field::kInputTokens) || operation.Has(Field::kOutputTokens);
  for (size_t i = 0; i < kRolledFields.size(); ++i) {
    if ((seen_ & (1U << i)) == 0 || operation.Has(kRolledFields[i])) continue;
    if (kRolledFields[i] == Field::kTotalTokens && host_counted) continue;
    operation.number[static_cast<size_t>(kRolledFields[i])] = sums_[i];
    operation.Add(kRolledFields[i]);
  }
}

Costs::Costs(InternTable& texts)
    : reported_currency_(texts.Intern(kReportedCurrency)),
      currency_(reported_currency_),
      from_prices_(texts.Intern("prices")) {}

Error Costs::SetPrice(TextId model, const Price& price) {
  Price full = price;
  if (!Complete(full)) return Error::kInvalidValue;
  if (const ModelPrice* known = Find(model); known != nullptr) {
    prices_[static_cast<size_t>(known - prices_.data())].price = full;
    return Error::kOk;
  }
  if (prices_.size() >= kMaxPrices) return Error::kLimitReached;
  prices_.push_back({model, full});
  return Error::kOk;
}

const Costs::ModelPrice* Costs::Find(TextId model) const {
  for (const ModelPrice& price : prices_) {
    if (price.model == model) return &price;
  }
  return nullptr;
}

void Costs::AddToCall(TextId model, FieldSet& fields) const {
  if (currency_ != reported_currency_ || !IsCount(fields, Field::kCost)) {
    fields.Remove(Field::kCost);
    fields.Remove(Field::kCostSource);
    const ModelPrice* price = Find(model);
    const double cost = price == nullptr ? kNoCost : CostOf(fields, price->price);
    if (!std::isnan(cost)) {
      fields.SetNumber(Field::kCost, cost);
      fields.SetInterned(Field::kCostSource, from_prices_);
    }
  }
  AddToOperation(fields);
}

void Costs::AddToOperation(FieldSet& fields) const {
  fields.Remove(Field::kCostCurrency);
  if (fields.Has(Field::kCost)) fields.SetInterned(Field::kCostCurrency, currency_);
}

void FillTotal(FieldSet& fields) {
  if (fields.Has(Field::kTotalTokens)) return;
  if (!IsCount(fields, Field::kInputTokens) || !IsCount(fields, Field::kOutputTokens)) return;
  fields.number[static_cast<size_t>(Field::kTotalTokens)] = fields.number[static_cast<size_t>(Field::kInputTokens)] +
                                                            fields.number[static_cast<size_t>(Field::kOutputTokens)];
  fields.Add(Field::kTotalTokens);
}

}  // namespace isotel::genai

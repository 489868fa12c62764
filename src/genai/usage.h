// Usage and cost of model calls, and their sums over the calls of one operation.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/intern.h"
#include "genai/field_set.h"

namespace isotel::genai {

/// The fields that are summed from chat spans to their invoke_agent span.
inline constexpr std::array kRolledFields{Field::kInputTokens,
                                          Field::kOutputTokens,
                                          Field::kCacheCreationInputTokens,
                                          Field::kCacheReadInputTokens,
                                          Field::kReasoningOutputTokens,
                                          Field::kTotalTokens,
                                          Field::kToolCount,
                                          Field::kCost};

/// Returns whether a field is present and a valid count: finite and not below zero.
[[nodiscard]] bool IsCount(const FieldSet& fields, Field field);

/// The running sums of one operation span.
class Rollup {
 public:
  /// Adds the fields of a call that has ended.
  void Add(const FieldSet& call);
  /// Sets the sums in `operation`, except fields that the host has set. When the host has set input or output tokens,
  /// it sets no sum of totals either: FillTotal() computes a total that agrees with the host's tokens.
  void Fill(FieldSet& operation) const;

  [[nodiscard]] bool has_calls() const { return has_calls_; }
  void NoteCall() { has_calls_ = true; }
  /// Returns the finish reason of the last call that had one, or 0.
  [[nodiscard]] TextId finish_reason() const { return finish_reason_; }

 private:
  std::array<double, kRolledFields.size()> sums_{};
  uint32_t seen_ = 0;
  TextId finish_reason_ = 0;
  bool has_calls_ = false;
};

/// Cost of a million tokens. Cached tokens cost `input` where their own price is NaN.
struct Price {
  double input = 0;
  double output = 0;
  double cache_read = 0;
  double cache_write = 0;
};

/// The costs of model calls, in one currency: those that are reported, and otherwise those of the prices.
class Costs {
 public:
  /// The currency of reported costs.
  static constexpr std::string_view kReportedCurrency = "USD";

  explicit Costs(InternTable& texts);

  /// Sets the currency of all costs, by default that of reported ones.
  void SetCurrency(TextId currency) { currency_ = currency; }
  /// Sets the price of a model, by its name in requests. Returns kInvalidValue for an invalid price, and kLimitReached
  /// past kMaxPrices.
  Error SetPrice(TextId model, const Price& price);
  /// Sets the cost in the finish fields of a model call, its currency and its source. Removes an invalid cost, and a
  /// reported cost in another currency: costs in two currencies cannot be added up.
  void AddToCall(TextId model, FieldSet& fields) const;
  /// Sets the currency in the finish fields of an operation whose calls have a cost.
  void AddToOperation(FieldSet& fields) const;

 private:
  struct ModelPrice {
    TextId model;
    Price price;
  };

  [[nodiscard]] const ModelPrice* Find(TextId model) const;

  TextId reported_currency_;
  TextId currency_;
  TextId from_prices_;
  std::vector<ModelPrice> prices_;
};

/// Sets total_tokens to input + output, if both are counts and there is no total.
void FillTotal(FieldSet& fields);

}  // namespace isotel::genai

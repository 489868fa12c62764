// Usage and cost of model calls, and their sums over the calls of one operation.
#pragma once

#include <array>
#include <cstdint>
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

/// The prices of models, by their names in requests.
class PriceTable {
 public:
  /// Sets the price of a model. Returns kInvalidValue for an invalid price, and kLimitReached past kMaxPrices.
  Error Set(TextId model, const Price& price);
  /// Returns the price of a model. Null: it has none.
  [[nodiscard]] const Price* Find(TextId model) const;

 private:
  std::vector<Price> prices_;
  std::vector<uint32_t> numbers_;  // by model: its place in prices_, from 1. 0: no price.
};

/// Returns the cost of the tokens in the fields. NaN when neither input nor output is known. Input tokens include
/// cached ones.
[[nodiscard]] double CostOf(const FieldSet& fields, const Price& price);

/// Sets total_tokens to input + output, if both are counts and there is no total.
void FillTotal(FieldSet& fields);

}  // namespace isotel::genai

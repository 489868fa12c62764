// What one span adds to each metric, and what its tokens cost.
#pragma once

#include <array>

#include "genai/field_set.h"
#include "genai/metrics_table.h"

namespace isotel::genai {

/// By Value; NaN for what a span does not say.
using SpanValues = std::array<double, kValueCount>;

/// What a million tokens cost. Cached tokens cost `input` where their own price is NaN.
struct Price {
  double input = 0;
  double output = 0;
  double cache_read = 0;
  double cache_write = 0;
};

/// Whether all prices are finite and none is below zero, after `input` has taken the place of NaN.
[[nodiscard]] bool Complete(Price& price);

/// Sets the token counts that are in the finish fields.
void AddTokens(const FieldSet& fields, SpanValues& values);

/// What the tokens cost; NaN when neither input nor output is known. Cached tokens are part of the input.
[[nodiscard]] double CostOf(const SpanValues& values, const Price& price);

}  // namespace isotel::genai

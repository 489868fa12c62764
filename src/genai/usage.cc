#include "genai/usage.h"

#include <cmath>
#include <cstddef>

namespace isotel::genai {

void Rollup::Add(const FieldSet& call) {
  for (size_t i = 0; i < kRolledFields.size(); ++i) {
    const double value = call.number[static_cast<size_t>(kRolledFields[i])];
    if (!call.Has(kRolledFields[i]) || !std::isfinite(value) || value < 0) continue;
    sums_[i] += value;
    seen_ |= 1U << i;
  }
  if (call.Has(Field::kFinishReason)) finish_reason_ = call.text_id[static_cast<size_t>(Field::kFinishReason)];
}

void Rollup::Fill(FieldSet& operation) const {
  for (size_t i = 0; i < kRolledFields.size(); ++i) {
    if ((seen_ & (1U << i)) == 0 || operation.Has(kRolledFields[i])) continue;
    operation.number[static_cast<size_t>(kRolledFields[i])] = sums_[i];
    operation.Add(kRolledFields[i]);
  }
}

void FillTotal(FieldSet& fields) {
  if (fields.Has(Field::kTotalTokens) || !fields.Has(Field::kInputTokens) || !fields.Has(Field::kOutputTokens)) return;
  fields.number[static_cast<size_t>(Field::kTotalTokens)] =
      fields.number[static_cast<size_t>(Field::kInputTokens)] + fields.number[static_cast<size_t>(Field::kOutputTokens)];
  fields.Add(Field::kTotalTokens);
}

}  // namespace isotel::genai

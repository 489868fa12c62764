#include "genai/usage.h"

#include <cmath>
#include <cstddef>

namespace isotel::genai {

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

void FillTotal(FieldSet& fields) {
  if (fields.Has(Field::kTotalTokens)) return;
  if (!IsCount(fields, Field::kInputTokens) || !IsCount(fields, Field::kOutputTokens)) return;
  fields.number[static_cast<size_t>(Field::kTotalTokens)] = fields.number[static_cast<size_t>(Field::kInputTokens)] +
                                                            fields.number[static_cast<size_t>(Field::kOutputTokens)];
  fields.Add(Field::kTotalTokens);
}

}  // namespace isotel::genai

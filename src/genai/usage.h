// What a model call used, and the sum of it over the calls of one operation.
#pragma once

#include <array>

#include "base/intern.h"
#include "genai/field_set.h"

namespace isotel::genai {

/// The fields that roll up from a chat span to its invoke_agent span.
inline constexpr std::array kRolledFields{Field::kInputTokens,
                                          Field::kOutputTokens,
                                          Field::kCacheCreationInputTokens,
                                          Field::kCacheReadInputTokens,
                                          Field::kReasoningOutputTokens,
                                          Field::kTotalTokens,
                                          Field::kToolCount};

/// Whether a field is present and a number that can be a count: finite and not below zero.
[[nodiscard]] bool IsCount(const FieldSet& fields, Field field);

/// The running sums of one operation span.
class Rollup {
 public:
  /// Adds the fields of a call that has ended. Absent fields add nothing.
  void Add(const FieldSet& call);
  /// Sets in `operation` the sums of those fields the host has not given itself. No sum of totals beside input or
  /// output tokens of the host's: FillTotal() makes one that agrees with them.
  void Fill(FieldSet& operation) const;

  [[nodiscard]] bool has_calls() const { return has_calls_; }
  void NoteCall() { has_calls_ = true; }
  /// Finish reason of the last call that reported one, or 0.
  [[nodiscard]] TextId finish_reason() const { return finish_reason_; }

 private:
  std::array<double, kRolledFields.size()> sums_{};
  uint32_t seen_ = 0;
  TextId finish_reason_ = 0;
  bool has_calls_ = false;
};

/// Sets total_tokens to input + output where both are counts and there is no total.
void FillTotal(FieldSet& fields);

}  // namespace isotel::genai

// Plans the attributes of a span: which ones, in which order and with which values. The host writes them.
#pragma once

#include <array>
#include <cstdint>

#include "base/counters.h"
#include "base/intern.h"
#include "base/result.h"
#include "genai/field_set.h"
#include "trace/span.h"

namespace isotel::genai {

/// Turns the present fields of one phase into a plan and adds its bytes to the span.
class AttributeBuilder {
 public:
  AttributeBuilder(InternTable& texts, Counters& counters);

  /// Writes `plan` and returns the number of its entries. Leaves out fields that the operation does not carry in
  /// `profile`. Drops and counts numbers that are not finite and counts below zero.
  ///
  /// @param exact Whether text sizes are UTF-8 bytes. Otherwise they are UTF-16 units, and a unit counts as three
  ///     bytes.
  /// @return kNeedExactSizes when such an upper bound does not fit. The span is then unchanged: call again with exact
  ///     sizes.
  Result<uint32_t> Build(Profile profile, Phase phase, trace::Span& span, FieldSet& fields, bool exact, Plan& plan);

  /// Returns the interned value of otel.status_code: "OK" or "ERROR".
  [[nodiscard]] TextId status_text(trace::StatusCode status) const {
    return status == trace::StatusCode::kOk ? status_ok_ : status_error_;
  }

 private:
  using Mask = std::array<uint32_t, kMaxFields / 32>;
  struct Draft;

  void AddConstants(Profile profile, Operation operation, FieldSet& fields) const;
  void CollectField(Field field, const FieldSet& fields, bool exact, Draft& draft) const;
  void CollectText(Field field, const FieldSet& fields, bool exact, Draft& draft) const;
  Error Fit(Phase phase, trace::Span& span, bool exact, Draft& draft);

  InternTable& texts_;
  Counters& counters_;
  struct OperationTable {
    std::array<Mask, 2> carried{};  ///< the fields its spans carry, by phase
    TextId name = 0;                ///< gen_ai.operation.name; 0 where the profile sets none
  };
  std::array<std::array<OperationTable, kOperationCount>, kProfileCount> operations_{};
  TextId tool_type_function_;
  TextId status_ok_;
  TextId status_error_;
};

}  // namespace isotel::genai

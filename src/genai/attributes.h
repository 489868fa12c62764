// Which attributes a span gets, in which order and with which values: the plan the host carries out.
#pragma once

#include <array>
#include <cstdint>

#include "base/counters.h"
#include "base/intern.h"
#include "base/result.h"
#include "genai/field_set.h"
#include "trace/span.h"

namespace isotel::genai {

/// Turns the present fields of one phase into a plan and charges it to the span.
class AttributeBuilder {
 public:
  AttributeBuilder(InternTable& texts, Counters& counters);

  /// The number of entries written to `plan`. Fields that the operation does not carry in `profile` are left out; numbers that are not finite, and counts below zero, are dropped and counted. With `exact` false, sizes
  /// are UTF-16 units and kNeedExactSizes means that three bytes a unit may not fit: the span is unchanged then
  /// and the call has to be repeated with exact sizes.
  Result<uint32_t> Build(Profile profile, Phase phase, trace::Span& span, FieldSet& fields, bool exact, Plan& plan);

  /// The value of otel.status_code, interned: "OK" or "ERROR".
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

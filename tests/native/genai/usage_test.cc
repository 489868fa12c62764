#include "genai/usage.h"

#include <doctest/doctest.h>

#include <limits>
#include <optional>

namespace isotel::genai {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

FieldSet Used(std::optional<double> input, std::optional<double> output, std::optional<double> total = {}) {
  FieldSet fields{};
  if (input) fields.SetNumber(Field::kInputTokens, *input);
  if (output) fields.SetNumber(Field::kOutputTokens, *output);
  if (total) fields.SetNumber(Field::kTotalTokens, *total);
  return fields;
}

// The number of a field, or -1 where it is absent.
double Get(const FieldSet& fields, Field field) {
  return fields.Has(field) ? fields.number[static_cast<size_t>(field)] : -1;
}

FieldSet Filled(const Rollup& rollup, FieldSet fields = {}) {
  rollup.Fill(fields);
  return fields;
}

TEST_CASE("The total is input plus output") {
  FieldSet fields = Used(10, 5);
  FillTotal(fields);
  CHECK(Get(fields, Field::kTotalTokens) == 15);
}

TEST_CASE("A total the host gave is kept") {
  FieldSet fields = Used(10, 5, 20);
  FillTotal(fields);
  CHECK(Get(fields, Field::kTotalTokens) == 20);
}

TEST_CASE("There is no total without both parts") {
  for (FieldSet fields : {Used(10, {}), Used({}, 5), Used({}, {})}) {
    FillTotal(fields);
    CHECK_FALSE(fields.Has(Field::kTotalTokens));
  }
}

TEST_CASE("There is no total of parts that are no counts") {
  for (FieldSet fields : {Used(-5, 10), Used(10, -5), Used(kNan, 5), Used(5, kInfinity)}) {
    FillTotal(fields);
    CHECK_FALSE(fields.Has(Field::kTotalTokens));
  }
}

TEST_CASE("Calls add up field by field") {
  Rollup rollup;
  for (const double amount : {1.0, 10.0, 100.0}) {
    FieldSet call{};
    for (size_t i = 0; i < kRolledFields.size(); ++i) call.SetNumber(kRolledFields[i], amount * static_cast<double>(i));
    rollup.Add(call);
  }
  const FieldSet filled = Filled(rollup);
  for (size_t i = 0; i < kRolledFields.size(); ++i) {
    CHECK(Get(filled, kRolledFields[i]) == 111.0 * static_cast<double>(i));
  }
}

TEST_CASE("A field that no call reported stays absent and one that was zero is zero") {
  Rollup rollup;
  rollup.Add(Used(0, {}));
  const FieldSet filled = Filled(rollup);
  CHECK(Get(filled, Field::kInputTokens) == 0);
  CHECK_FALSE(filled.Has(Field::kOutputTokens));
  CHECK_FALSE(filled.Has(Field::kToolCount));
}

TEST_CASE("Numbers that are no counts add nothing") {
  Rollup rollup;
  for (const double bad : {kNan, kInfinity, -kInfinity, -1.0}) rollup.Add(Used(bad, bad));
  CHECK_FALSE(Filled(rollup).Has(Field::kInputTokens));
  rollup.Add(Used(7, {}));
  CHECK(Get(Filled(rollup), Field::kInputTokens) == 7);
}

TEST_CASE("What is not marked present adds nothing whatever stands there") {
  Rollup rollup;
  FieldSet call = Used(5, 5);
  call.Remove(Field::kInputTokens);
  rollup.Add(call);
  CHECK_FALSE(Filled(rollup).Has(Field::kInputTokens));
  CHECK(Get(Filled(rollup), Field::kOutputTokens) == 5);
}

TEST_CASE("Totals of the host win over the sums") {
  Rollup rollup;
  rollup.Add(Used(10, 5, 15));
  const FieldSet filled = Filled(rollup, Used(100, {}));
  CHECK(Get(filled, Field::kInputTokens) == 100);
  CHECK(Get(filled, Field::kOutputTokens) == 5);
}

TEST_CASE("The total agrees with the parts the host gave") {
  Rollup rollup;
  rollup.Add(Used(10, 5, 15));
  FieldSet both = Filled(rollup, Used(100, 50));
  FillTotal(both);
  CHECK(Get(both, Field::kTotalTokens) == 150);
  FieldSet one = Filled(rollup, Used(100, {}));
  FillTotal(one);
  CHECK(Get(one, Field::kTotalTokens) == 105);
  FieldSet none = Filled(rollup);
  FillTotal(none);
  CHECK(Get(none, Field::kTotalTokens) == 15);
}

TEST_CASE("Filling twice changes nothing") {
  Rollup rollup;
  rollup.Add(Used(10, 5, 18));
  FieldSet fields = Filled(rollup);
  FillTotal(fields);
  rollup.Fill(fields);
  FillTotal(fields);
  CHECK(Get(fields, Field::kInputTokens) == 10);
  CHECK(Get(fields, Field::kTotalTokens) == 18);
}

TEST_CASE("The finish reason is that of the last call that reported one") {
  Rollup rollup;
  CHECK(rollup.finish_reason() == 0);
  FieldSet call{};
  call.SetInterned(Field::kFinishReason, 4);
  rollup.Add(call);
  call.SetInterned(Field::kFinishReason, 9);
  rollup.Add(call);
  rollup.Add(FieldSet{});
  CHECK(rollup.finish_reason() == 9);
}

TEST_CASE("A call is noted when it starts") {
  Rollup rollup;
  CHECK_FALSE(rollup.has_calls());
  rollup.NoteCall();
  CHECK(rollup.has_calls());
}

}  // namespace
}  // namespace isotel::genai

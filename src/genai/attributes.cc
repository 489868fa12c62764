#include "genai/attributes.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <span>

#include "base/limits.h"
#include "trace/attribute_budget.h"

namespace isotel::genai {
namespace {

constexpr uint32_t kNumberBytes = 8;  // what the Workers runtime charges for a number or a boolean
constexpr uint32_t kMaxBytesPerUnit = 3;
constexpr uint32_t kFieldWords = (kFieldCount + 31) / 32;
constexpr uint32_t kDropCountBytes = 96;  // both drop counts, keys included

constexpr uint32_t What(Field field, Source source) {
  return static_cast<uint32_t>(field) | (static_cast<uint32_t>(source) << 8U);
}

bool IsValidNumber(FieldType type, double value) {
  return std::isfinite(value) && (type != FieldType::kCount || value >= 0);
}

uint32_t UpperBound(uint32_t units) {
  return units > UINT32_MAX / kMaxBytesPerUnit ? UINT32_MAX : units * kMaxBytesPerUnit;
}

}  // namespace

struct AttributeBuilder::Draft {
  Draft(Profile profile_in, Plan& plan_in) : profile(profile_in), plan(plan_in) {}

  void Add(Field field, Source source, uint32_t argument, uint32_t value_bytes, bool cuttable) {
    const auto key_bytes = static_cast<uint32_t>(KeyOf(profile, field).size());
    plan.entries[entries] = {What(field, source), argument};
    sizes[entries] = {key_bytes, value_bytes, cuttable};
    bytes += uint64_t{key_bytes} + value_bytes;
    largest = value_bytes > largest ? value_bytes : largest;
    ++entries;
  }

  void AddCount(Field field, uint32_t count, FieldSet& fields) {
    if (count == 0) return;
    fields.SetNumber(field, count);
    Add(field, Source::kNumber, 0, kNumberBytes, false);
  }

  Profile profile;
  Plan& plan;
  std::array<trace::AttributeSize, kMaxFields> sizes;
  uint32_t entries = 0;
  uint32_t invalid = 0;
  uint32_t largest = 0;
  uint64_t bytes = 0;
};

AttributeBuilder::AttributeBuilder(InternTable& texts, Counters& counters)
    : texts_(texts),
      counters_(counters),
      tool_type_function_(texts.Intern("function")),
      status_ok_(texts.Intern("OK")),
      status_error_(texts.Intern("ERROR")) {
  for (size_t profile = 0; profile < kProfileCount; ++profile) {
    for (uint32_t code = 0; code < kOperationCount; ++code) {
      const auto operation = static_cast<Operation>(code);
      OperationTable& table = operations_[profile][code];
      const std::string_view name = Info(operation).name[profile];
      if (!name.empty()) table.name = texts.Intern(name);
      for (size_t i = 0; i < kFieldCount; ++i) {
        const auto field = static_cast<Field>(i);
        if (!Carries(static_cast<Profile>(profile), operation, field)) continue;
        table.carried[static_cast<size_t>(Info(field).phase)][FieldSet::Word(field)] |= FieldSet::Bit(field);
      }
    }
  }
}

Result<uint32_t> AttributeBuilder::Build(Profile profile, Phase phase, trace::Span& span, FieldSet& fields, bool exact,
                                         Plan& plan) {
  if (phase == Phase::kStart) AddConstants(profile, static_cast<Operation>(span.operation), fields);
  Draft draft(profile, plan);
  const OperationTable& table = operations_[static_cast<size_t>(profile)][span.operation];
  const Mask& carried = table.carried[static_cast<size_t>(phase)];
  for (uint32_t word = 0; word < kFieldWords; ++word) {
    for (uint32_t bits = carried[word] & fields.present[word]; bits != 0; bits &= bits - 1) {
      const uint32_t index = word * 32 + static_cast<uint32_t>(std::countr_zero(bits));
      CollectField(static_cast<Field>(index), fields, exact, draft);
    }
  }
  if (const Error error = Fit(phase, span, exact, draft); error != Error::kOk) return error;
  span.dropped_attributes += draft.invalid;
  counters_.Add(Counter::kAttributesDroppedType, draft.invalid);
  if (phase == Phase::kFinish) {
    // The counts come last, because they include the finish attributes. kDropCountBytes reserves room for them.
    draft.AddCount(Field::kDroppedAttributesCount, span.dropped_attributes, fields);
    draft.AddCount(Field::kCutAttributesCount, span.cut_attributes, fields);
  }
  return draft.entries;
}

void AttributeBuilder::AddConstants(Profile profile, Operation operation, FieldSet& fields) const {
  const TextId name = operations_[static_cast<size_t>(profile)][static_cast<size_t>(operation)].name;
  if (name != 0) fields.SetInterned(Field::kOperationName, name);
  if (!fields.Has(Field::kToolType)) fields.SetInterned(Field::kToolType, tool_type_function_);
}

void AttributeBuilder::CollectField(Field field, const FieldSet& fields, bool exact, Draft& draft) const {
  const FieldInfo& info = Info(field);
  const double number = fields.number[static_cast<size_t>(field)];
  switch (info.type) {
    case FieldType::kText:
    case FieldType::kJson:
    case FieldType::kTextList:
    case FieldType::kTexts:
      CollectText(field, fields, exact, draft);
      return;
    case FieldType::kNumber:
    case FieldType::kCount:
      if (IsValidNumber(info.type, number)) {
        draft.Add(field, Source::kNumber, 0, kNumberBytes, false);
      } else {
        ++draft.invalid;
      }
      return;
    case FieldType::kFlag:
      if (number != 0) draft.Add(field, Source::kTrue, 0, kNumberBytes, false);
      return;
  }
}

void AttributeBuilder::CollectText(Field field, const FieldSet& fields, bool exact, Draft& draft) const {
  const FieldInfo& info = Info(field);
  const bool list = info.type == FieldType::kTextList;
  const Field held = list ? Field::kFinishReason : field;
  const uint32_t size = fields.size[static_cast<size_t>(held)];
  if (size == kInternedSize) {
    const TextId id = fields.text_id[static_cast<size_t>(held)];
    const std::string_view text = texts_.Get(id);
    if (text.data() == nullptr) {
      ++draft.invalid;
      return;
    }
    draft.Add(field, list ? Source::kInternedList : Source::kInterned, id, static_cast<uint32_t>(text.size()), false);
    return;
  }
  const uint32_t bytes = exact ? size : UpperBound(size);
  if (list) {
    draft.Add(field, Source::kTextList, static_cast<uint32_t>(held), bytes, false);
  } else {
    const Source source = info.type == FieldType::kTexts ? Source::kJsonList : Source::kText;
    draft.Add(field, source, 0, bytes, info.type == FieldType::kText);
  }
}

Error AttributeBuilder::Fit(Phase phase, trace::Span& span, bool exact, Draft& draft) {
  if (span.unlimited()) return Error::kOk;
  const uint32_t reserved = phase == Phase::kStart ? kReservedFinishBytes : kDropCountBytes;
  const uint32_t taken = span.attribute_bytes + reserved;
  const uint32_t left = taken < kNativeSpanBytes ? kNativeSpanBytes - taken : 0;
  const uint32_t available = span.native() ? left : UINT32_MAX;
  if (draft.bytes <= available && draft.largest <= kMaxAttributeValueBytes) {
    span.attribute_bytes += static_cast<uint32_t>(draft.bytes);
    return Error::kOk;
  }
  if (!exact) return Error::kNeedExactSizes;

  std::array<uint32_t, kMaxFields> keep;
  const std::span<const trace::AttributeSize> sizes(draft.sizes.data(), draft.entries);
  const trace::FitResult fit = trace::Fit(sizes, available, kMaxAttributeValueBytes, keep);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < draft.entries; ++i) {
    if (keep[i] == 0 && !span.whole()) continue;
    PlanEntry entry = draft.plan.entries[i];
    if (keep[i] == 0) {
      entry.what |= kLeftOut;
    } else if (keep[i] != trace::kKeepAll) {
      entry = {What(static_cast<Field>(entry.what & 0xFFU), Source::kCutText), keep[i]};
    }
    draft.plan.entries[kept++] = entry;
  }
  draft.entries = kept;
  span.attribute_bytes += static_cast<uint32_t>(fit.bytes);
  span.dropped_attributes += fit.dropped;
  span.cut_attributes += fit.cut;
  counters_.Add(Counter::kAttributesDroppedBytes, fit.dropped);
  counters_.Add(Counter::kAttributesCut, fit.cut);
  return Error::kOk;
}

}  // namespace isotel::genai

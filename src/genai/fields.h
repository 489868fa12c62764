// The table fields.def as constants: keys, types and spans of attributes, by profile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "genai/operation.h"

namespace isotel::genai {

enum class FieldType : uint8_t { kText, kJson, kNumber, kCount, kFlag, kTextList, kTexts };
enum class Phase : uint8_t { kStart, kFinish };

enum class Field : uint8_t {
#define ISOTEL_FIELD(name, type, agents_key, agents_spans, latest_key, latest_spans, phase) name,
#include "genai/fields.def"
#undef ISOTEL_FIELD
  kCount
};

inline constexpr size_t kFieldCount = static_cast<size_t>(Field::kCount);
/// The size of the arrays in the shared block. The table may grow up to it.
inline constexpr size_t kMaxFields = 128;
static_assert(kFieldCount <= kMaxFields);

struct FieldInfo {
  FieldType type;
  Phase phase;
  std::array<std::string_view, kProfileCount> key;
  std::array<OperationSet, kProfileCount> spans;
};

/// The row of a field.
[[nodiscard]] const FieldInfo& Info(Field field);

/// Returns whether spans of `operation` carry `field` in `profile`.
[[nodiscard]] inline bool Carries(Profile profile, Operation operation, Field field) {
  return (Info(field).spans[static_cast<size_t>(profile)] & SetOf(operation)) != 0;
}

[[nodiscard]] inline std::string_view KeyOf(Profile profile, Field field) {
  return Info(field).key[static_cast<size_t>(profile)];
}

}  // namespace isotel::genai

// The operations that spans stand for, and the profiles of attribute names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "trace/status.h"

namespace isotel::genai {

enum class Operation : uint32_t {
#define ISOTEL_OPERATION(name, code, prefix, agents_operation, latest_operation, kind) name = code,
#include "genai/operations.def"
#undef ISOTEL_OPERATION
};

enum class Profile : uint32_t {
#define ISOTEL_PROFILE(name, code, wire_name) name = code,
#include "genai/profiles.def"
#undef ISOTEL_PROFILE
};

inline constexpr uint32_t kOperationCount = 0
#define ISOTEL_OPERATION(name, code, prefix, agents_operation, latest_operation, kind) +1
#include "genai/operations.def"
#undef ISOTEL_OPERATION
    ;

inline constexpr size_t kProfileCount = 0
#define ISOTEL_PROFILE(name, code, wire_name) +1
#include "genai/profiles.def"
#undef ISOTEL_PROFILE
    ;

/// A bit for each operation.
using OperationSet = uint32_t;
static_assert(kOperationCount <= 32);

[[nodiscard]] constexpr OperationSet SetOf(Operation operation) {
  return OperationSet{1} << static_cast<uint32_t>(operation);
}

struct OperationInfo {
  std::string_view span_prefix;
  std::string_view name[kProfileCount];  ///< gen_ai.operation.name, empty where none is set
  trace::SpanKind kind;
};

inline constexpr std::array<OperationInfo, kOperationCount> kOperations{{
#define ISOTEL_OPERATION(name, code, prefix, agents_operation, latest_operation, kind) \
  {prefix, {agents_operation, latest_operation}, trace::SpanKind::kind},
#include "genai/operations.def"
#undef ISOTEL_OPERATION
}};

[[nodiscard]] constexpr const OperationInfo& Info(Operation operation) {
  return kOperations[static_cast<size_t>(operation)];
}

}  // namespace isotel::genai

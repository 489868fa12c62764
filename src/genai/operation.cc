#include "genai/operation.h"

#include <array>

namespace isotel::genai {
namespace {

constexpr std::array<OperationInfo, kOperationCount> kOperations{{
#define ISOTEL_OPERATION(name, code, prefix, agents_operation, latest_operation, kind) \
  {prefix, {agents_operation, latest_operation}, trace::SpanKind::kind},
#include "genai/operations.def"
#undef ISOTEL_OPERATION
}};

}  // namespace

const OperationInfo& Info(Operation operation) { return kOperations[static_cast<size_t>(operation)]; }

}  // namespace isotel::genai

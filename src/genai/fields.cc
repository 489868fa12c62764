#include "genai/fields.h"

namespace isotel::genai {
namespace {

constexpr OperationSet O = SetOf(Operation::kInvokeAgent);
constexpr OperationSet C = SetOf(Operation::kChat);
constexpr OperationSet T = SetOf(Operation::kExecuteTool);
constexpr OperationSet A = SetOf(Operation::kToolApproval);
constexpr OperationSet E = SetOf(Operation::kEmbeddings);
constexpr OperationSet R = SetOf(Operation::kRerank);
constexpr OperationSet G = SetOf(Operation::kGenerateContent);
constexpr OperationSet X = ~OperationSet{0};

constexpr std::array<FieldInfo, kFieldCount> kFields{{
#define ISOTEL_FIELD(name, type, agents_key, agents_spans, latest_key, latest_spans, phase) \
  {FieldType::type, Phase::phase, {agents_key, latest_key}, {agents_spans, latest_spans}},
#include "genai/fields.def"
#undef ISOTEL_FIELD
}};

}  // namespace

const FieldInfo& Info(Field field) { return kFields[static_cast<size_t>(field)]; }

}  // namespace isotel::genai

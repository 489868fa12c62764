#include "genai/metrics_table.h"

#include <utility>

#include "metrics/bounds.h"

namespace isotel::genai {
namespace {

constexpr OperationSet O = SetOf(Operation::kInvokeAgent);
constexpr OperationSet C = SetOf(Operation::kChat);
constexpr OperationSet T = SetOf(Operation::kExecuteTool);
constexpr OperationSet E = SetOf(Operation::kEmbeddings);
constexpr OperationSet R = SetOf(Operation::kRerank);
constexpr OperationSet G = SetOf(Operation::kGenerateContent);

constexpr LabelMask kOp = MaskOf(Label::kOperation);
constexpr LabelMask kPr = MaskOf(Label::kProvider);
constexpr LabelMask kRq = MaskOf(Label::kRequestModel);
constexpr LabelMask kRs = MaskOf(Label::kResponseModel);
constexpr LabelMask kEr = MaskOf(Label::kErrorType);
constexpr LabelMask kAg = MaskOf(Label::kAgentName);
constexpr LabelMask kTn = MaskOf(Label::kToolName);
constexpr LabelMask kTt = MaskOf(Label::kToolType);
constexpr LabelMask kMo = MaskOf(Label::kModality);
constexpr LabelMask kIn = MaskOf(Label::kTokenTypeInput);
constexpr LabelMask kOu = MaskOf(Label::kTokenTypeOutput);

constexpr std::array<MetricInfo, kMetricCount> kMetrics{{
#define ISOTEL_GENAI_METRIC(name, metric, kind, unit, bounds, value, labels, spans, names, help) \
  {metric, metrics::Kind::kind, unit, BoundsKind::bounds, Value::value, labels, spans, MetricNames::names, help},
#include "genai/metrics_table.def"
#undef ISOTEL_GENAI_METRIC
}};

// The histogram bounds of each BoundsKind: start, start * factor, and so on. A count of 0 means no bounds.
struct BoundsGenerator {
  double start;
  double factor;
  uint32_t count;
};
constexpr std::array<BoundsGenerator, 5> kBounds{
    {{0, 0, 0}, {0.01, 2, kSecondsBounds}, {0.1, 2, 13}, {1, 4, 14}, {1, 2, 8}}};

}  // namespace

const MetricInfo& Info(Metric metric) { return kMetrics[static_cast<size_t>(metric)]; }

Label LabelOf(uint32_t field) {
  size_t label = 0;
  while (label < kLabelFields.size() && static_cast<uint32_t>(kLabelFields[label]) != field) ++label;
  return static_cast<Label>(label);
}

std::string_view KeyOf(Label label) {
  if (label == Label::kModality) return "gen_ai.token.modality";
  return label < Label::kModality ? KeyOf(Profile::kLatest, FieldOf(label)) : "gen_ai.token.type";
}

metrics::Declaration DeclarationOf(Metric metric) {
  const MetricInfo& info = Info(metric);
  metrics::Declaration declaration;
  declaration.kind = info.kind;
  declaration.name = info.name;
  declaration.unit = info.unit;
  declaration.help = info.help;
  const BoundsGenerator& bounds = kBounds[static_cast<size_t>(info.bounds)];
  if (bounds.count > 0) {
    declaration.bounds = metrics::ExponentialBounds(bounds.start, bounds.factor, bounds.count).value();
  }
  for (size_t i = 0; i < kLabelCount; ++i) {
    const auto label = static_cast<Label>(i);
    if ((info.labels & MaskOf(label)) != 0) declaration.label_keys.emplace_back(KeyOf(label));
  }
  return declaration;
}

}  // namespace isotel::genai

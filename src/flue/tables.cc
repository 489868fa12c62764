#include "flue/tables.h"

namespace isotel::flue {
namespace {

constexpr uint32_t SetOf(SpanType type) { return 1U << static_cast<uint32_t>(type); }

constexpr uint32_t W = SetOf(SpanType::kWorkflow);
constexpr uint32_t R = SetOf(SpanType::kResumedWorkflow);
constexpr uint32_t O = SetOf(SpanType::kOperation);
constexpr uint32_t T = SetOf(SpanType::kTurn);
constexpr uint32_t L = SetOf(SpanType::kTool);
constexpr uint32_t K = SetOf(SpanType::kTask);
constexpr uint32_t C = SetOf(SpanType::kCompaction);
constexpr uint32_t A = W | R | O | T | L | K | C;

constexpr uint32_t G = SetOf(SpanType::kAgent);
constexpr uint32_t S = SetOf(SpanType::kSubagent);
constexpr uint32_t I = SetOf(SpanType::kInference);
constexpr uint32_t X = SetOf(SpanType::kToolExecution);
constexpr uint32_t H = SetOf(SpanType::kShell);
constexpr uint32_t P = SetOf(SpanType::kPlainOperation);
constexpr uint32_t M = SetOf(SpanType::kPlainCompaction);
constexpr uint32_t B = G | S | I | X | H | P | M;

constexpr uint32_t Q = SetOf(SpanType::kCoordinator);

constexpr uint32_t SetOf(Format format) { return 1U << static_cast<uint32_t>(format); }

constexpr uint32_t kV1 = SetOf(Format::kV1);
constexpr uint32_t kV3 = SetOf(Format::kV3);

constexpr std::array<EventInfo, static_cast<size_t>(EventType::kCount)> kEvents{{
#define ISOTEL_FLUE_EVENT(name, type, role, span, asks, time, ids) {Role::role, SpanType::span},
#include "flue/events.def"
#undef ISOTEL_FLUE_EVENT
}};

constexpr SpanType kKeyedAs[] = {
#define ISOTEL_FLUE_SPAN(name, prefix, kind, as, target, target_v3, failure) SpanType::as,
#include "flue/spans.def"
#undef ISOTEL_FLUE_SPAN
};

struct Carrier {
  uint32_t formats;
  Role role;
  uint32_t spans;
};

constexpr Carrier kFields[] = {
#define ISOTEL_FLUE_FIELD(name, key, type, content, formats, role, spans, path) {formats, Role::role, spans},
#include "flue/fields.def"
#undef ISOTEL_FLUE_FIELD
};

}  // namespace

const EventInfo& Info(EventType type) { return kEvents[static_cast<size_t>(type)]; }

SpanType KeyedAs(SpanType type) { return kKeyedAs[static_cast<size_t>(type)]; }

std::vector<uint32_t> PlanOf(Format format, Role role, SpanType span) {
  std::vector<uint32_t> plan;
  uint32_t field = 0;
  for (const Carrier& carrier : kFields) {
    const bool is_carried = carrier.role == role && (carrier.spans & SetOf(span)) != 0;
    if (is_carried && (carrier.formats & SetOf(format)) != 0) plan.push_back(field);
    ++field;
  }
  return plan;
}

}  // namespace isotel::flue

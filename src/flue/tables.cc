#include "flue/tables.h"

namespace isotel::flue {
namespace {

constexpr uint32_t SetOf(SpanType type) { return 1U << static_cast<uint32_t>(type); }

constexpr uint32_t W = SetOf(SpanType::kWorkflow);
constexpr uint32_t O = SetOf(SpanType::kOperation);
constexpr uint32_t T = SetOf(SpanType::kTurn);
constexpr uint32_t L = SetOf(SpanType::kTool);
constexpr uint32_t K = SetOf(SpanType::kTask);
constexpr uint32_t C = SetOf(SpanType::kCompaction);
constexpr uint32_t R = SetOf(SpanType::kCount);
constexpr uint32_t A = W | O | T | L | K | C | R;

constexpr uint32_t SetOf(Format format) { return 1U << static_cast<uint32_t>(format); }

constexpr uint32_t kV1 = SetOf(Format::kV1);
constexpr uint32_t kV3 = SetOf(Format::kV3);

constexpr std::array<EventInfo, static_cast<size_t>(EventType::kCount)> kEvents{{
#define ISOTEL_FLUE_EVENT(name, type, role, span, asks, time) {Role::role, SpanType::span},
#include "flue/events.def"
#undef ISOTEL_FLUE_EVENT
}};

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

std::vector<uint32_t> PlanOf(Format format, EventType type) {
  const EventInfo& info = Info(type);
  const uint32_t span = type == EventType::kRunResume ? R : SetOf(info.span);
  std::vector<uint32_t> plan;
  uint32_t field = 0;
  for (const Carrier& carrier : kFields) {
    const bool is_carried = carrier.role == info.role && (carrier.spans & span) != 0;
    if (is_carried && (carrier.formats & SetOf(format)) != 0) plan.push_back(field);
    ++field;
  }
  return plan;
}

}  // namespace isotel::flue

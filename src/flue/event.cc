#include "flue/event.h"

namespace isotel::flue {

Error KnownIds::Read(uint32_t ids, std::string_view text, Event& event) {
  Id* const places[kCount] = {
#define ISOTEL_FLUE_ID(name) &event.name,
#include "flue/ids.def"
#undef ISOTEL_FLUE_ID
  };
  for (uint32_t i = 0; i < kCount; ++i) {
    if ((ids >> (kCount + i) & 1) != 0) {
      const size_t end = text.find(kIdSeparator);
      if (end == std::string_view::npos) return Error::kOutOfRange;
      known_[i] = Id{text.substr(0, end)};
      text.remove_prefix(end + 1);
    }
    if ((ids >> i & 1) != 0) *places[i] = known_[i];
  }
  return text.empty() ? Error::kOk : Error::kOutOfRange;
}

SpanType SpanOf(const Event& event) {
  const SpanType type = Info(event.type).span;
  if (event.type == EventType::kRunResume) return SpanType::kResumedWorkflow;
  if (!event.is_gen_ai) return type;
  switch (type) {
    case SpanType::kOperation:
      return event.is_prompt || event.is_skill ? SpanType::kAgent : SpanType::kPlainOperation;
    case SpanType::kTurn:
      return SpanType::kInference;
    case SpanType::kTool:
      return event.is_shell ? SpanType::kShell : SpanType::kToolExecution;
    case SpanType::kTask:
      return SpanType::kSubagent;
    case SpanType::kCompaction:
      return SpanType::kPlainCompaction;
    default:
      return type;
  }
}

bool IsWithoutSpan(const Event& event) {
  if (!event.is_gen_ai) return false;
  const SpanType type = Info(event.type).span;
  return (type == SpanType::kTool && event.is_task_tool) || (type == SpanType::kOperation && event.is_shell);
}

}  // namespace isotel::flue

#include "flue/event.h"

namespace isotel::flue {

Error ReadIds(std::string_view text, Event& event) {
  std::string_view* const ids[] = {&event.run,  &event.instance, &event.session,   &event.operation,
                                   &event.task, &event.turn,     &event.tool_call, &event.submission};
  size_t left = std::size(ids);
  for (std::string_view* id : ids) {
    const size_t end = text.find(kIdSeparator);
    const bool is_last = --left == 0;
    if ((end == std::string_view::npos) != is_last) return Error::kOutOfRange;
    *id = text.substr(0, end);
    if (!is_last) text.remove_prefix(end + 1);
  }
  return Error::kOk;
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

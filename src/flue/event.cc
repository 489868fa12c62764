#include "flue/event.h"

namespace isotel::flue {

Error ReadIds(std::string_view text, Event& event) {
  std::string_view* const ids[] = {&event.run,  &event.instance, &event.session,  &event.operation,
                                   &event.task, &event.turn,     &event.tool_call};
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

}  // namespace isotel::flue

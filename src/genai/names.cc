#include "genai/names.h"

#include "base/limits.h"

namespace isotel::genai {

std::string SpanName(Operation operation, std::string_view target) {
  const std::string_view prefix = Info(operation).span_prefix;
  std::string name(prefix);
  if (target.empty() || prefix.size() + 1 + target.size() > kMaxNameBytes) return name;
  name += ' ';
  name += target;
  return name;
}

}  // namespace isotel::genai

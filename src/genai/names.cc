#include "genai/names.h"

#include "base/limits.h"
#include "base/utf8.h"

namespace isotel::genai {

std::string SpanName(Operation operation, std::string_view target) {
  const std::string_view prefix = Info(operation).span_prefix;
  if (prefix.empty()) return std::string(target.substr(0, CutAtCharacter(target, kMaxNameBytes)));
  if (prefix.empty()) return std::string(target.substr(0, CutAtCharacter(target, kMaxNameBytes)));
  std::string name(prefix);
  if (target.empty() || prefix.size() + 1 + target.size() > kMaxNameBytes) return name;
  name += ' ';
  name += target;
  return name;
}

}  // namespace isotel::genai

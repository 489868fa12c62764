#include "base/intern.h"

#include "base/limits.h"

namespace isotel {

TextId InternTable::Intern(std::string_view text) {
  if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
  if (texts_.size() >= kMaxInternedTexts || bytes_ + text.size() > kMaxInternedBytes) return 0;
  texts_.push_back(std::make_unique<const std::string>(text));
  bytes_ += text.size();
  const auto id = static_cast<TextId>(texts_.size());
  ids_.emplace(*texts_.back(), id);
  return id;
}

std::string_view InternTable::Get(TextId id) const {
  if (id == 0 || id > texts_.size()) return {};
  return *texts_[id - 1];
}

}  // namespace isotel

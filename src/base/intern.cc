#include "base/intern.h"

#include "base/limits.h"
#include "base/wire.h"

namespace isotel {

TextId InternTable::IdOf(std::string_view text, bool adds) {
  const uint64_t hash = Hash(text);
  const uint32_t known = index_.Find(hash, [&](uint32_t number) { return SameBytes(*texts_[number], text); });
  if (known != HashIndex::kNone) return known + 1;
  if (!adds || texts_.size() >= kMaxInternedTexts || bytes_ + text.size() > kMaxInternedBytes) return 0;
  index_.Add(hash, static_cast<uint32_t>(texts_.size()));
  texts_.push_back(std::make_unique<const std::string>(text));
  bytes_ += text.size();
  return static_cast<TextId>(texts_.size());
}

std::string_view InternTable::Get(TextId id) const {
  if (id == 0 || id > texts_.size()) return {};
  return *texts_[id - 1];
}

}  // namespace isotel

#include "context/sampler.h"

namespace isotel::context {

bool ShouldSample(Parent parent, std::span<const char, 16> trace_id, double ratio) {
  if (parent != Parent::kNone) return parent == Parent::kSampled;
  if (!(ratio > 0)) return false;
  if (ratio >= 1) return true;
  uint32_t folded = 0;
  for (size_t i = 0; i < trace_id.size(); ++i) {
    folded ^= static_cast<uint32_t>(static_cast<uint8_t>(trace_id[i])) << (24 - 8 * (i % 4));
  }
  return folded < static_cast<uint32_t>(ratio * 4294967295.0);
}

}  // namespace isotel::context

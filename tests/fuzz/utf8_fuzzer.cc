// Cuts any bytes anywhere: a cut is within the limit, and valid text is cut between characters
// only, as late as can be.
#include <string_view>

#include "base/utf8.h"
#include "fuzz_input.h"

namespace {

using isotel::fuzz::Require;

bool IsBoundary(std::string_view text, size_t at) {
  return at == text.size() || (static_cast<uint8_t>(text[at]) & 0xC0U) != 0x80U;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t limit = data[0];
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  const size_t kept = isotel::CutAtCharacter(text, limit);
  Require(kept <= limit && kept <= text.size());
  Require(limit < text.size() ? kept + 3 >= limit : kept == text.size());
  if (!isotel::IsValidUtf8(text)) return 0;

  Require(IsBoundary(text, kept));
  for (size_t later = kept + 1; later <= limit && later < text.size(); ++later) Require(!IsBoundary(text, later));
  Require(isotel::IsValidUtf8(text.substr(0, kept)));
  Require(isotel::IsValidUtf8(text.substr(kept)));
  return 0;
}

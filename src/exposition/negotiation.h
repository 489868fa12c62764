// Content negotiation of expositions.
#pragma once

#include <string_view>

#include "exposition/exposition.h"

namespace isotel::exposition {

struct Choice {
  Format format = Format::kText;
  Escaping escaping = Escaping::kUnderscores;
};

/// Returns the format of formats.def with the highest weight in an Accept header, and the escaping scheme beside it. Of
/// equal weights the first wins. Wildcards, and headers without a known format, select text 0.0.4.
[[nodiscard]] Choice Negotiate(std::string_view accept);

}  // namespace isotel::exposition

// Which exposition a scraper asks for.
#pragma once

#include <string_view>

#include "export/exposition.h"

namespace isotel::exposition {

struct Choice {
  Format format = Format::kText;
  Escaping escaping = Escaping::kUnderscores;
};

/// The format of formats.def with the highest weight in an Accept header, of several the first named, with the escaping
/// scheme asked for beside it. Text 0.0.4 for wildcards, and when nothing that is offered is named.
[[nodiscard]] Choice Negotiate(std::string_view accept);

}  // namespace isotel::exposition

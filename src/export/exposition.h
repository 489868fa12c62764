// The expositions of a snapshot: format, content type and the one call that renders.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "export/exposed_families.h"

namespace isotel::exposition {

enum class Format : uint32_t {
#define ISOTEL_FORMAT(name, code, content_type) name = code,
#include "export/formats.def"
#undef ISOTEL_FORMAT
};
inline constexpr uint32_t kFormatCount = 0
#define ISOTEL_FORMAT(name, code, content_type) +1
#include "export/formats.def"
#undef ISOTEL_FORMAT
    ;

/// The Content-Type header, with the escaping scheme where the format has one.
[[nodiscard]] std::string ContentType(Format format, Escaping escaping);

/// Replaces what `writer` holds by the exposition. kText and, for its names, JSON cannot carry UTF-8 names:
/// kUtf8 means kUnderscores in kText; JSON keeps names as declared whatever is asked for.
void Render(const metrics::Snapshot& snapshot, Format format, ExposeOptions options, metrics::ByteWriter& writer);

}  // namespace isotel::exposition

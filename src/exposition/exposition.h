// Expositions of a snapshot: formats, content types and rendering.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "exposition/exposed_families.h"

namespace isotel::exposition {

enum class Format : uint32_t {
#define ISOTEL_FORMAT(name, code, content_type) name = code,
#include "exposition/formats.def"
#undef ISOTEL_FORMAT
};
inline constexpr uint32_t kFormatCount = 0
#define ISOTEL_FORMAT(name, code, content_type) +1
#include "exposition/formats.def"
#undef ISOTEL_FORMAT
    ;

/// Returns the Content-Type header, with the escaping scheme if the format has one.
[[nodiscard]] std::string ContentType(Format format, Escaping escaping);

/// Replaces the content of `writer` by the exposition. kText cannot carry UTF-8 names and uses kUnderscores for kUtf8.
/// JSON keeps names as declared with every escaping scheme.
void Render(const metrics::Snapshot& snapshot, Format format, ExposeOptions options, ByteWriter& writer);

}  // namespace isotel::exposition

// JSON strings: escaping, fast where there is nothing to escape, hexadecimal digits and base64.
#pragma once

#include <string_view>

#include "metrics/wire.h"

namespace isotel::otlp {

/// Appends `text`, which is UTF-8, without the quotes around it. Takes at most `max_bytes`; false, with a part of it
/// written, when it would take more.
bool WriteEscaped(std::string_view text, size_t max_bytes, metrics::ByteWriter& out);

/// Lower-case digits, two a byte.
void WriteHex(std::string_view bytes, metrics::ByteWriter& out);

/// RFC 4648, section 4, with padding.
void WriteBase64(std::string_view bytes, metrics::ByteWriter& out);

}  // namespace isotel::otlp

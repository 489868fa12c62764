// Text of JSON: escaped strings, hexadecimal digits and base64.
#pragma once

#include <string_view>

#include "base/wire.h"

namespace isotel {

/// Returns how many bytes at the start of `text` a JSON string has without escapes: up to a control character, a quote or
/// a backslash.
[[nodiscard]] size_t PlainBytes(std::string_view text);

/// Appends `text`, which is UTF-8, with escapes and without quotes around it. Returns false, with a part written, when
/// it needs more than `max_bytes`.
bool WriteEscaped(std::string_view text, size_t max_bytes, ByteWriter& out);

/// Appends `text`, which is UTF-8, as a JSON string.
void WriteQuoted(std::string_view text, ByteWriter& out);

/// Appends two lower-case digits for each byte.
void WriteHex(std::string_view bytes, ByteWriter& out);

/// Appends base64 with padding (RFC 4648, section 4).
void WriteBase64(std::string_view bytes, ByteWriter& out);

}  // namespace isotel

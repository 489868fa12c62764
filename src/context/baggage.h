// The baggage header of W3C Baggage (https://www.w3.org/TR/baggage/): values by key, percent-encoded on their way.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace isotel::context {

inline constexpr size_t kMaxBaggageMembers = 180;
inline constexpr size_t kMaxBaggageBytes = 8'192;

struct BaggageMember {
  std::string key;         ///< a token of HTTP
  std::string value;       ///< any UTF-8
  std::string properties;  ///< as they stand in the header, without the first semicolon
};

/// The members of a header (of several, joined by commas). What is no member is left out; so are members past the limits
/// above. Bytes that are not UTF-8 once decoded are U+FFFD.
std::vector<BaggageMember> ParseBaggage(std::string_view header);

/// The header of these members; empty for none. One whose key is no token, or whose properties are not printable ASCII
/// without commas, is left out, and so is what exceeds the limits.
std::string FormatBaggage(const std::vector<BaggageMember>& members);

}  // namespace isotel::context

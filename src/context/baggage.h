// The baggage header of W3C Baggage (https://www.w3.org/TR/baggage/): values by key, percent-encoded on their way.
#pragma once

#include <string_view>

#include "metrics/wire.h"

namespace isotel::context {

inline constexpr size_t kMaxBaggageMembers = 180;
inline constexpr size_t kMaxBaggageBytes = 8'192;

struct BaggageMember {
  std::string_view key;         ///< a token of HTTP
  std::string_view value;       ///< in a header percent-encoded; else any UTF-8
  std::string_view properties;  ///< as they stand in the header, without the first semicolon
};

/// Walks over the members of a header (of several, joined by commas), of which they are views. What is no member is left
/// out; so are members past the limits above.
class BaggageReader {
 public:
  explicit BaggageReader(std::string_view header);

  /// The next member; false at the end.
  bool Next(BaggageMember& member);

 private:
  std::string_view left_;
  size_t count_ = 0;
};

/// Appends what a value of a header stands for. Bytes that are not UTF-8 then are U+FFFD, one each.
void DecodeBaggageValue(std::string_view value, metrics::ByteWriter& out);

/// Appends members to a header.
class BaggageFormatter {
 public:
  explicit BaggageFormatter(metrics::ByteWriter& out) : out_(out) { out_.Clear(); }

  /// Leaves out a member whose key is no token, or whose properties are not printable ASCII without commas, and one that
  /// exceeds the limits.
  void Add(const BaggageMember& member);

 private:
  metrics::ByteWriter& out_;
  size_t count_ = 0;
};

}  // namespace isotel::context

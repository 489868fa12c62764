// Small integers for texts of low cardinality (models, providers, tools, finish reasons), so that the bytes of each
// text cross into the core once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash_index.h"

namespace isotel {

/// Identifies an interned text. 0 is no text.
using TextId = uint32_t;

class InternTable {
 public:
  /// Returns the identifier of `text`, the same for equal texts. Returns 0 for a new text that would exceed
  /// kMaxInternedTexts or kMaxInternedBytes.
  TextId Intern(std::string_view text) { return IdOf(text, true); }
  /// Returns the identifier of a text that was interned, or 0.
  TextId Find(std::string_view text) { return IdOf(text, false); }

  /// Returns the text, valid until the table is destroyed. Returns a view with a null pointer for an unknown
  /// identifier.
  [[nodiscard]] std::string_view Get(TextId id) const;

  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(texts_.size()); }

 private:
  TextId IdOf(std::string_view text, bool adds);

  // Each text has its own allocation: views on it must stay valid when the vector grows.
  std::vector<std::unique_ptr<const std::string>> texts_;
  HashIndex index_;
  size_t bytes_ = 0;
};

}  // namespace isotel

// Texts of low cardinality (models, providers, tools, finish reasons) under small integers, so that their
// bytes cross into the core once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace isotel {

/// Identifies an interned text; 0 stands for none.
using TextId = uint32_t;

class InternTable {
 public:
  /// The identifier of `text`, the same for equal texts; 0 when kMaxInternedTexts or kMaxInternedBytes would
  /// be passed and the text is new.
  TextId Intern(std::string_view text);

  /// The text, valid until the table is destroyed; empty with a null data pointer for an unknown identifier.
  [[nodiscard]] std::string_view Get(TextId id) const;

  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(texts_.size()); }

 private:
  // Owned one by one: the views used as map keys must not move when the vector grows.
  std::vector<std::unique_ptr<const std::string>> texts_;
  std::unordered_map<std::string_view, TextId> ids_;
  size_t bytes_ = 0;
};

}  // namespace isotel

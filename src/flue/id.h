// Identifiers with their hash, and maps by them. A lookup makes no string and computes no hash.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace isotel::flue {

/// Returns the hash of a text that consists of two.
[[nodiscard]] constexpr size_t Combine(size_t hash, size_t other) { return hash * 31 + other; }

/// A view on a text, and its hash. Equal texts in one map must have equal hashes.
class Id {
 public:
  Id() = default;
  // An identifier is its text.
  // NOLINTBEGIN(google-explicit-constructor)
  Id(std::string_view text) : Id(text, text.empty() ? 0 : std::hash<std::string_view>{}(text)) {}
  Id(const char* text) : Id(std::string_view{text}) {}
  // NOLINTEND(google-explicit-constructor)
  Id(std::string_view text, size_t hash) : text_(text), hash_(hash) {}

  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] size_t hash() const { return hash_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

  friend bool operator==(const Id& a, const Id& b) { return a.hash_ == b.hash_ && a.text_ == b.text_; }

 private:
  std::string_view text_;
  size_t hash_ = 0;
};

/// An identifier that owns its text.
class OwnedId {
 public:
  OwnedId() = default;
  explicit OwnedId(const Id& id) : text_(id.text()), hash_(id.hash()) {}

  /// Reuses its memory.
  OwnedId& operator=(const Id& id) {
    text_ = id.text();
    hash_ = id.hash();
    return *this;
  }

  operator Id() const { return {text_, hash_}; }  // NOLINT(google-explicit-constructor)

 private:
  std::string text_;
  size_t hash_ = 0;
};

struct IdHash {
  using is_transparent = void;
  size_t operator()(const Id& id) const { return id.hash(); }
};

struct IdEqual {
  using is_transparent = void;
  bool operator()(const Id& a, const Id& b) const { return a == b; }
};

/// Keys and values keep their addresses until they are erased.
template <typename T>
using IdMap = std::unordered_map<OwnedId, T, IdHash, IdEqual>;

}  // namespace isotel::flue

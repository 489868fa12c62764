// Identifiers whose hash is taken once, and maps from them that are looked up without making a string.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace isotel::flue {

/// A hash for a text that is made of two.
[[nodiscard]] constexpr size_t Combine(size_t hash, size_t other) { return hash * 31 + other; }

/// A text of someone else's and its hash. Equal texts have to have equal hashes in every map they are looked up in.
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

/// The same with a text of its own.
class OwnId {
 public:
  OwnId() = default;
  explicit OwnId(const Id& id) : text_(id.text()), hash_(id.hash()) {}

  /// Keeps the memory it has.
  OwnId& operator=(const Id& id) {
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

/// Keys and values stay where they are until they are erased.
template <typename T>
using IdMap = std::unordered_map<OwnId, T, IdHash, IdEqual>;

}  // namespace isotel::flue

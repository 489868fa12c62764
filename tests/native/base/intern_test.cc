#include "base/intern.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"

namespace isotel {
namespace {

TEST_CASE("Equal texts share an identifier and different ones do not") {
  InternTable texts;
  const TextId stop = texts.Intern("stop");
  CHECK(stop != 0);
  CHECK(texts.Intern(std::string("stop")) == stop);
  CHECK(texts.Intern("Stop") != stop);
  CHECK(texts.Get(stop) == "stop");
  CHECK(texts.size() == 2);
}

TEST_CASE("The empty text and texts with a null byte are texts") {
  InternTable texts;
  const TextId empty = texts.Intern("");
  const TextId null = texts.Intern(std::string_view("a\0b", 3));
  CHECK(empty != 0);
  CHECK(null != texts.Intern("a"));
  CHECK(texts.Get(empty).data() != nullptr);
  CHECK(texts.Get(null) == std::string_view("a\0b", 3));
}

TEST_CASE("An unknown identifier has no text") {
  InternTable texts;
  const TextId last = texts.Intern("last");
  CHECK(texts.Get(0).data() == nullptr);
  CHECK(texts.Get(last + 1).data() == nullptr);
  CHECK(texts.Get(UINT32_MAX).data() == nullptr);
}

TEST_CASE("Views stay where they are while the table grows") {
  InternTable texts;
  std::vector<std::string_view> views;
  // Short texts: their bytes must not live inside something that moves.
  for (int i = 0; i < 2'000; ++i) views.push_back(texts.Get(texts.Intern(std::to_string(i))));
  for (int i = 0; i < 2'000; ++i) {
    const std::string_view view = views[static_cast<size_t>(i)];
    REQUIRE(texts.Get(texts.Intern(std::to_string(i))).data() == view.data());
    REQUIRE(view == std::to_string(i));
  }
}

TEST_CASE("The table keeps a copy: the caller's bytes may change") {
  InternTable texts;
  std::string text = "claude";
  const TextId id = texts.Intern(text);
  text = "gemini";
  CHECK(texts.Get(id) == "claude");
  CHECK(texts.Intern("claude") == id);
}

TEST_CASE("Past the number of texts new ones get no identifier and known ones keep theirs") {
  InternTable texts;
  for (uint32_t i = 0; i < kMaxInternedTexts; ++i) REQUIRE(texts.Intern(std::to_string(i)) != 0);
  CHECK(texts.Intern("one more") == 0);
  CHECK(texts.size() == kMaxInternedTexts);
  CHECK(texts.Get(texts.Intern("17")) == "17");
}

TEST_CASE("Past the number of bytes new texts get no identifier") {
  InternTable texts;
  CHECK(texts.Intern(std::string(kMaxInternedBytes + 1, 'a')) == 0);
  CHECK(texts.Intern(std::string(kMaxInternedBytes, 'a')) != 0);
  CHECK(texts.Intern("b") == 0);
  CHECK(texts.Intern("") != 0);
  CHECK(texts.Intern(std::string(kMaxInternedBytes, 'a')) != 0);
}

}  // namespace
}  // namespace isotel

#include "base/handle_table.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

namespace isotel {
namespace {

struct Item {
  int value = 7;
};

Handle Insert(HandleTable<Item>& table) {
  const Result<Handle> handle = table.Insert();
  REQUIRE(handle.ok());
  return handle.value();
}

TEST_CASE("A handle holds index and generation apart") {
  CHECK(IndexOf(MakeHandle(5, 9)) == 5);
  CHECK(GenerationOf(MakeHandle(5, 9)) == 9);
  CHECK(IndexOf(MakeHandle(kMaxSlots - 1, kGenerationMask)) == kMaxSlots - 1);
  CHECK(GenerationOf(MakeHandle(kMaxSlots - 1, kGenerationMask)) == kGenerationMask);
}

TEST_CASE("Generations wrap around without ever being zero") {
  CHECK(NextGeneration(1) == 2);
  CHECK(NextGeneration(kGenerationMask - 1) == kGenerationMask);
  CHECK(NextGeneration(kGenerationMask) == 1);
}

TEST_CASE("A fresh object is default constructed even in a slot that was used") {
  HandleTable<Item> table(2);
  const Handle first = Insert(table);
  table.Find(first)->value = 1;
  table.Erase(first);
  CHECK(table.Find(Insert(table))->value == 7);
}

TEST_CASE("The none handle finds nothing") {
  HandleTable<Item> table(2);
  CHECK(table.Find(kNoHandle) == nullptr);
  CHECK(table.Missing(kNoHandle) == Error::kStaleHandle);
  (void)Insert(table);
  CHECK(table.Find(kNoHandle) == nullptr);
  CHECK(table.Missing(kNoHandle) == Error::kStaleHandle);
}

TEST_CASE("An erased handle has ended until the next object of its slot has ended too") {
  HandleTable<Item> table(4);
  const Handle first = Insert(table);
  table.Erase(first);
  CHECK(table.Find(first) == nullptr);
  CHECK(table.Missing(first) == Error::kAlreadyEnded);

  const Handle second = Insert(table);
  CHECK(IndexOf(second) == IndexOf(first));
  CHECK(second != first);
  CHECK(table.Find(first) == nullptr);
  CHECK(table.Missing(first) == Error::kAlreadyEnded);

  table.Erase(second);
  CHECK(table.Missing(second) == Error::kAlreadyEnded);
  CHECK(table.Missing(first) == Error::kStaleHandle);
}

TEST_CASE("A handle that was never issued is stale") {
  HandleTable<Item> table(4);
  const Handle live = Insert(table);
  CHECK(table.Missing(MakeHandle(IndexOf(live), 5)) == Error::kStaleHandle);
  CHECK(table.Missing(MakeHandle(3, 1)) == Error::kStaleHandle);
  CHECK(table.Missing(UINT32_MAX) == Error::kStaleHandle);
  CHECK(table.Find(MakeHandle(IndexOf(live), 0)) == nullptr);
  CHECK(table.Missing(MakeHandle(IndexOf(live), 0)) == Error::kStaleHandle);
}

TEST_CASE("Erasing twice frees one slot") {
  HandleTable<Item> table(4);
  const Handle first = Insert(table);
  const Handle other = Insert(table);
  table.Erase(first);
  table.Erase(first);
  CHECK(table.size() == 1);
  const Handle again = Insert(table);
  const Handle fresh = Insert(table);
  CHECK(IndexOf(again) != IndexOf(fresh));
  CHECK(table.Find(other) != nullptr);
  CHECK(table.size() == 3);
}

TEST_CASE("A stale handle does not erase the object that took its slot") {
  HandleTable<Item> table(4);
  const Handle first = Insert(table);
  table.Erase(first);
  const Handle second = Insert(table);
  table.Erase(first);
  CHECK(table.Find(second) != nullptr);
  CHECK(table.size() == 1);
}

TEST_CASE("A full table refuses until an object is erased") {
  HandleTable<Item> table(3);
  std::vector<Handle> handles{Insert(table), Insert(table), Insert(table)};
  CHECK(table.Insert().error() == Error::kLimitReached);
  CHECK(table.size() == 3);
  table.Erase(handles[1]);
  CHECK(table.Insert().ok());
  CHECK(table.Insert().error() == Error::kLimitReached);
}

TEST_CASE("Capacity is at most the number of slots a handle can name") {
  HandleTable<Item> table(UINT32_MAX);
  std::set<Handle> handles;
  for (uint32_t i = 0; i < kMaxSlots; ++i) handles.insert(Insert(table));
  CHECK(handles.size() == kMaxSlots);
  CHECK(handles.count(kNoHandle) == 0);
  CHECK(table.Insert().error() == Error::kLimitReached);
}

TEST_CASE("A table of no capacity refuses all") {
  HandleTable<Item> table(0);
  CHECK(table.Insert().error() == Error::kLimitReached);
}

TEST_CASE("Handles of one slot differ until the generation wraps") {
  HandleTable<Item> table(1);
  const Handle first = Insert(table);
  Handle last = first;
  for (uint32_t i = 1; i < kGenerationMask; ++i) {
    table.Erase(last);
    last = table.Insert().value();
    if (last == first || last == kNoHandle) FAIL("issued again after " << i);
  }
  CHECK(GenerationOf(last) == kGenerationMask);
}

}  // namespace
}  // namespace isotel

#include "base/heap.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <random>
#include <vector>

namespace isotel {
namespace {

constexpr uint32_t kPage = 65536;
constexpr uint32_t kMaxPages = 512;

// A memory that grows in pages, like that of a Wasm module. A new test begins with one page.
struct PagedMemory {
  static inline uint32_t pages = 1;
  static inline uint32_t first_byte = 1;
  static uintptr_t base() {
    alignas(16) static std::array<char, size_t{kMaxPages} * kPage> bytes;
    return reinterpret_cast<uintptr_t>(bytes.data());
  }
  static uint32_t first() { return first_byte; }
  static uint32_t size() { return pages * kPage; }
  static bool Grow(uint32_t bytes) {
    const uint32_t more = (bytes + kPage - 1) / kPage;
    if (pages + more > kMaxPages) return false;
    pages += more;
    return true;
  }
  static void Reset(uint32_t first) {
    pages = 1;
    first_byte = first;
  }
};

// Memory that was allocated, filled with a byte of its own.
struct Piece {
  unsigned char* memory = nullptr;
  size_t size = 0;
  unsigned char fill = 0;

  [[nodiscard]] bool IsIntact() const {
    for (size_t i = 0; i < size; ++i) {
      if (memory[i] != fill) return false;
    }
    return true;
  }
};

class Pieces {
 public:
  void Add(size_t size) {
    auto* const memory = static_cast<unsigned char*>(heap_.Allocate(size));
    REQUIRE(memory != nullptr);
    REQUIRE(reinterpret_cast<uintptr_t>(memory) % Heap<PagedMemory>::kAlignment == 0);
    const uintptr_t at = reinterpret_cast<uintptr_t>(memory) - PagedMemory::base();
    REQUIRE(at >= PagedMemory::first_byte);
    REQUIRE(at + size <= PagedMemory::size());
    const auto fill = static_cast<unsigned char>(++added_);
    std::memset(memory, fill, size);
    pieces_.push_back({memory, size, fill});
  }
  void Remove(size_t index) {
    REQUIRE(pieces_[index].IsIntact());
    heap_.Free(pieces_[index].memory);
    pieces_[index] = pieces_.back();
    pieces_.pop_back();
  }
  void RemoveAll() {
    while (!pieces_.empty()) Remove(pieces_.size() / 2);
  }
  [[nodiscard]] size_t count() const { return pieces_.size(); }
  Heap<PagedMemory>& heap() { return heap_; }

 private:
  Heap<PagedMemory> heap_;
  std::vector<Piece> pieces_;
  unsigned added_ = 0;
};

TEST_CASE("Pieces of any size keep their bytes, and freed neighbours become one block again") {
  std::mt19937 random(1);
  for (const uint32_t first : {1U, 16U, 24U, 1'000U, 65'530U, 65'536U, 100'000U}) {
    CAPTURE(first);
    PagedMemory::Reset(first);
    Pieces pieces;
    for (int round = 0; round < 20'000; ++round) {
      const bool is_large = random() % 50 == 0;
      if (random() % 2 == 0 || pieces.count() == 0) {
        pieces.Add(random() % (is_large ? 100'000 : 300));
      } else {
        pieces.Remove(random() % pieces.count());
      }
    }
    pieces.RemoveAll();
    const uint32_t pages = PagedMemory::pages;
    // The largest size whose block is not rounded up past the memory.
    pieces.Add((PagedMemory::size() - first) / 8 * 7 - 64);
    CHECK(PagedMemory::pages == pages);
  }
}

TEST_CASE("The same requests again need no more memory") {
  PagedMemory::Reset(1'000);
  Pieces pieces;
  const auto play = [&] {
    std::mt19937 random(7);
    for (int i = 0; i < 2'000; ++i) pieces.Add(random() % (i % 10 == 0 ? 20'000 : 200));
    pieces.RemoveAll();
  };
  play();
  const uint32_t pages = PagedMemory::pages;
  for (int i = 0; i < 20; ++i) play();
  CHECK(PagedMemory::pages == pages);
}

TEST_CASE("A block that is freed serves the next request of its size, whatever the size is") {
  PagedMemory::Reset(1'000);
  Pieces pieces;
  for (size_t size = 0; size < 40'000; size += size < 600 ? 1 : 97) {
    void* const memory = pieces.heap().Allocate(size);
    void* const behind = pieces.heap().Allocate(1);
    pieces.heap().Free(memory);
    REQUIRE(pieces.heap().Allocate(size) == memory);
    pieces.heap().Free(memory);
    pieces.heap().Free(behind);
  }
}

TEST_CASE("Memory that cannot grow gives null, and what is there can still be allocated") {
  PagedMemory::Reset(1'000);
  Pieces pieces;
  CHECK(pieces.heap().Allocate(size_t{kMaxPages} * kPage) == nullptr);
  CHECK(pieces.heap().Allocate(SIZE_MAX) == nullptr);
  CHECK(pieces.heap().Allocate(size_t{1} << 31) == nullptr);
  pieces.Add(1'000);
  pieces.heap().Free(nullptr);
  pieces.RemoveAll();
}

}  // namespace
}  // namespace isotel

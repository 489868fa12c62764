// The heap of a Wasm module: segregated fits with boundary tags, after TLSF (Masmano et al., "TLSF: a new dynamic
// memory allocator for real-time systems"). Its code has an eighth of the size of wasi-libc's allocator, which was a
// seventh of the core.
//
// A block has a header of 8 bytes: its size with a bit for "in use", and the size of the previous block. Free blocks
// are in lists by size. Allocate() takes the first block of the first list whose blocks are all large enough. Free()
// joins neighbours that are free. Both take constant time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace isotel {

/// `Memory` is one range that can grow at its end:
///   static uintptr_t base();           // its address, which does not change
///   static uint32_t first();           // offset of the first byte that the heap may use
///   static uint32_t size();            // bytes, a multiple of 16
///   static bool Grow(uint32_t bytes);  // grows by at least `bytes`; false when it cannot
template <typename Memory>
class Heap {
 public:
  static constexpr uint32_t kAlignment = 16;

  /// Returns `size` bytes aligned to kAlignment, or null when the memory cannot grow.
  void* Allocate(size_t size) {
    if (size > kMaxBytes) return nullptr;
    const uint32_t needed = RoundUp(static_cast<uint32_t>(size));
    uint32_t list = FirstList(ListOf(needed));
    if (list == kLists) {
      if (!Extend(needed)) return nullptr;
      list = FirstList(ListOf(needed));
    }
    const uint32_t block = lists_[list];
    Remove(block);
    const uint32_t rest = At(block)->size - needed;
    if (rest >= kMinBlock) {
      SetSize(block, needed);
      SetSize(block + needed, rest);
      Insert(block + needed);
    }
    At(block)->size |= kUsed;
    return reinterpret_cast<void*>(Memory::base() + block + kHeader);
  }

  /// Frees what Allocate() returned. Null does nothing.
  void Free(void* memory) {
    if (memory == nullptr) return;
    const auto block = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(memory) - Memory::base()) - kHeader;
    At(block)->size &= ~kUsed;
    Join(block);
  }

 private:
  struct Block {
    uint32_t before;  // size of the block before it, 0 for the first
    uint32_t size;    // header included, a multiple of 16; kUsed is set while it is in use
    uint32_t next;    // neighbours in the list of a free block, 0 for none
    uint32_t previous;
  };

  static constexpr uint32_t kUsed = 1;
  static constexpr uint32_t kHeader = 8;
  static constexpr uint32_t kMinBlock = sizeof(Block);
  static constexpr size_t kMaxBytes = size_t{1} << 30;
  // A list for each multiple of 16 below 256, then eight for each power of two.
  static constexpr uint32_t kSmall = 256;
  static constexpr uint32_t kSmallLog = 8;
  static constexpr uint32_t kLists = kSmall / 16 + (32 - kSmallLog) * 8;

  static Block* At(uint32_t block) { return reinterpret_cast<Block*>(Memory::base() + block); }

  // The size of the block for a request: the smallest size of its list, so that a freed block fits the same request
  // again.
  static uint32_t RoundUp(uint32_t bytes) {
    const uint32_t size = (bytes + kHeader + kAlignment - 1) & ~(kAlignment - 1);
    if (size < kSmall) return size;
    const uint32_t step = uint32_t{1} << (std::bit_width(size) - 4);
    return (size + step - 1) & ~(step - 1);
  }

  static uint32_t ListOf(uint32_t size) {
    if (size < kSmall) return size / 16;
    const auto log = static_cast<uint32_t>(std::bit_width(size)) - 1;
    return kSmall / 16 + (log - kSmallLog) * 8 + ((size >> (log - 3)) & 7);
  }

  // The first list from `list` on that has a block, or kLists.
  [[nodiscard]] uint32_t FirstList(uint32_t list) const {
    uint32_t mask = ~uint32_t{0} << (list % 32);
    for (uint32_t word = list / 32; word < kWords; ++word, mask = ~uint32_t{0}) {
      const uint32_t found = filled_[word] & mask;
      if (found != 0) return word * 32 + static_cast<uint32_t>(std::countr_zero(found));
    }
    return kLists;
  }

  void SetSize(uint32_t block, uint32_t size) {
    At(block)->size = size;
    At(block + size)->before = size;
  }

  void Insert(uint32_t block) {
    const uint32_t list = ListOf(At(block)->size);
    At(block)->next = lists_[list];
    At(block)->previous = 0;
    if (lists_[list] != 0) At(lists_[list])->previous = block;
    lists_[list] = block;
    filled_[list / 32] |= uint32_t{1} << (list % 32);
  }

  void Remove(uint32_t block) {
    const Block& removed = *At(block);
    if (removed.next != 0) At(removed.next)->previous = removed.previous;
    if (removed.previous != 0) {
      At(removed.previous)->next = removed.next;
      return;
    }
    const uint32_t list = ListOf(removed.size);
    lists_[list] = removed.next;
    if (removed.next == 0) filled_[list / 32] &= ~(uint32_t{1} << (list % 32));
  }

  // Joins a free block, which is in no list, with its free neighbours and puts it in a list.
  void Join(uint32_t block) {
    uint32_t size = At(block)->size;
    const uint32_t after = block + size;
    if ((At(after)->size & kUsed) == 0) {
      Remove(after);
      size += At(after)->size;
    }
    const uint32_t before = At(block)->before;
    if (before != 0 && (At(block - before)->size & kUsed) == 0) {
      block -= before;
      Remove(block);
      size += before;
    }
    SetSize(block, size);
    Insert(block);
  }

  // Makes room for a block of this size at the end. The memory ends with a header in use, which moves.
  bool Extend(uint32_t size) {
    if (end_ == 0) {
      end_ = ((Memory::first() + kHeader + kAlignment - 1) & ~(kAlignment - 1)) - kHeader;
      if (Memory::size() < end_ + kHeader && !Memory::Grow(end_ + kHeader - Memory::size())) return false;
      At(end_)->before = 0;
    }
    const uint32_t before = At(end_)->before;
    const bool is_free_before = before != 0 && (At(end_ - before)->size & kUsed) == 0;
    const uint32_t room = Memory::size() - kHeader - end_ + (is_free_before ? before : 0);
    if (room < size && !Memory::Grow(size - room)) return false;
    const uint32_t block = end_;
    end_ = Memory::size() - kHeader;
    SetSize(block, end_ - block);
    At(end_)->size = kUsed;
    Join(block);
    return true;
  }

  static constexpr uint32_t kWords = (kLists + 31) / 32;

  uint32_t end_ = 0;  // offset of the header at the end; 0 before the first allocation
  uint32_t lists_[kLists] = {};
  uint32_t filled_[kWords] = {};  // a bit for each list that is not empty
};

}  // namespace isotel

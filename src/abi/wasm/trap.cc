// Wasm only: the parts of the C++ runtime that a module replaces. The heap is small. Functions that would link stdio
// into the module trap. The host sees a trap as a WebAssembly.RuntimeError, drops the instance and makes a new one.
#include <__config>
#include <cstddef>
#include <cstdint>
#include <new>

#include "base/heap.h"

extern "C" {
// Defined by the linker: the end of the stack and static data. The heap begins here.
extern unsigned char __heap_base;  // NOLINT(bugprone-reserved-identifier)
}

namespace {

struct WasmMemory {
  static constexpr uint32_t kPageBytes = 65536;

  static uintptr_t base() { return 0; }
  static uint32_t first() { return reinterpret_cast<uint32_t>(&__heap_base); }
  static uint32_t size() { return static_cast<uint32_t>(__builtin_wasm_memory_size(0)) * kPageBytes; }
  static bool Grow(uint32_t bytes) {
    return __builtin_wasm_memory_grow(0, (bytes + kPageBytes - 1) / kPageBytes) != SIZE_MAX;
  }
};

constinit isotel::Heap<WasmMemory> heap;

// Not inlined: with these functions inlined at every call site, a module is a fifth larger.
[[gnu::noinline]] void* AllocateOrTrap(size_t size) {
  void* memory = heap.Allocate(size);
  if (memory == nullptr) __builtin_trap();
  return memory;
}

[[gnu::noinline]] void Free(void* memory) { heap.Free(memory); }

}  // namespace

void* operator new(size_t size) { return AllocateOrTrap(size); }
void* operator new[](size_t size) { return AllocateOrTrap(size); }
void* operator new(size_t size, const std::nothrow_t& /*tag*/) noexcept { return heap.Allocate(size); }
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete[](void* memory) noexcept { Free(memory); }
void operator delete(void* memory, size_t /*size*/) noexcept { Free(memory); }
void operator delete[](void* memory, size_t /*size*/) noexcept { Free(memory); }
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { Free(memory); }

extern "C" {

// For calls from the C library. A memory must not have two heaps.
void* malloc(size_t size) { return heap.Allocate(size); }
void free(void* memory) { Free(memory); }

// These functions replace those of the C library. The library is compiled without bulk memory, so its memcpy and
// memmove are loops of more than a kilobyte each. Here each builtin compiles to one instruction.
void* memcpy(void* to, const void* from, size_t size) { return __builtin_memcpy(to, from, size); }
void* memmove(void* to, const void* from, size_t size) { return __builtin_memmove(to, from, size); }
size_t strlen(const char* text) {
  size_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}

void __cxa_pure_virtual() { __builtin_trap(); }

#ifdef __EMSCRIPTEN__
// Called by Emscripten to notify its glue code when the memory has grown. There is no glue code: hosts detect growth by
// the new buffer of the memory.
void emscripten_notify_memory_growth(size_t /*memory_index*/) {}
void _Exit(int /*status*/) { __builtin_trap(); }
#else
void abort() { __builtin_trap(); }
void __assert_fail(const char* /*expression*/, const char* /*file*/, int /*line*/, const char* /*function*/) {
  __builtin_trap();
}
#endif

}  // extern "C"

_LIBCPP_BEGIN_NAMESPACE_STD
#ifndef __EMSCRIPTEN__
[[noreturn]] void __libcpp_verbose_abort(const char* /*format*/, ...) { __builtin_trap(); }
#endif
_LIBCPP_END_NAMESPACE_STD

// Wasm only: traps in place of the parts of the C++ runtime that would link stdio into the module. The host sees a trap
// as a WebAssembly.RuntimeError, drops the instance and makes a new one.
#include <__config>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

void* AllocateOrTrap(size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) __builtin_trap();
  return memory;
}

}  // namespace

void* operator new(size_t size) { return AllocateOrTrap(size); }
void* operator new[](size_t size) { return AllocateOrTrap(size); }
void* operator new(size_t size, const std::nothrow_t& /*tag*/) noexcept { return std::malloc(size == 0 ? 1 : size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size*/) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t /*size*/) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { std::free(memory); }

extern "C" {

void __cxa_pure_virtual() { __builtin_trap(); }

#ifdef __EMSCRIPTEN__
// Emscripten reports growth to its glue. There is no glue, and hosts compare the buffer of the memory.
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

# Every version the build relies on, in one place; scripts/toolchain.mjs reads this file too.
set(ISOTEL_LLVM_VERSION 19)
set(ISOTEL_CXX_STANDARD 20)
set(ISOTEL_DOCTEST_VERSION 2.4)
set(ISOTEL_BENCHMARK_VERSION 1.7)

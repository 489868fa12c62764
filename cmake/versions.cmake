# All versions that the build depends on. scripts/toolchain.mjs also reads this file.
set(ISOTEL_LLVM_VERSION 19)
set(ISOTEL_CXX_STANDARD 20)
set(ISOTEL_DOCTEST_VERSION 2.4)
set(ISOTEL_BENCHMARK_VERSION 1.7)

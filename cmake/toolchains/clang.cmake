# The host's Clang in the pinned version, for sanitizers and libFuzzer.
include(${CMAKE_CURRENT_LIST_DIR}/../versions.cmake)
find_program(CMAKE_CXX_COMPILER NAMES clang++-${ISOTEL_LLVM_VERSION} clang++ REQUIRED)

# Tests, fuzzers and benchmarks of the native build. To add one, add a source file to its folder.

function(isotel_test_executable target)
  add_executable(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE isotel_abi_core isotel_abi_aggregate isotel_abi_otlp isotel_abi_flue)
  target_link_libraries(${target} PRIVATE isotel::json isotel::protozero isotel_warnings)
  # GCC 12 at -O3 reports false overflows inside std::string.
  target_compile_options(${target} PRIVATE "$<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow;-Wno-array-bounds;-Wno-restrict>")
  target_compile_definitions(${target} PRIVATE ISOTEL_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endfunction()

if(ISOTEL_FUZZERS)
  set(ISOTEL_FUZZ_SECONDS 10 CACHE STRING "How long ctest runs each fuzzer")
  file(GLOB fuzzers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/*_fuzzer.cc)
  foreach(source IN LISTS fuzzers)
    cmake_path(GET source STEM name)
    isotel_test_executable(${name} ${source})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)

    # libFuzzer writes new inputs to the first folder, which must therefore be outside of the source tree.
    set(corpora ${CMAKE_BINARY_DIR}/corpus/${name})
    file(MAKE_DIRECTORY ${corpora})
    string(REGEX REPLACE "_fuzzer$" "" corpus_name ${name})
    if(EXISTS ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${corpus_name})
      list(APPEND corpora ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${corpus_name})
    endif()
    add_test(NAME fuzz.${corpus_name}
             COMMAND ${name} -max_total_time=${ISOTEL_FUZZ_SECONDS} -seed=1 -timeout=10 -print_final_stats=1 ${corpora})
  endforeach()
  return()
endif()

# isotel_include_test(<name> <header>): compiles an include of the header as a file of src/trace would.
function(isotel_include_test name header)
  set(source ${CMAKE_BINARY_DIR}/${name}.cc)
  file(WRITE ${source} "#include \"${header}\"\n")
  add_test(NAME layers.${name}
           COMMAND ${CMAKE_CXX_COMPILER} -std=c++${ISOTEL_CXX_STANDARD} -fsyntax-only
                   "-I$<JOIN:$<TARGET_PROPERTY:isotel_trace,INCLUDE_DIRECTORIES>,;-I>" ${source}
           COMMAND_EXPAND_LISTS)
endfunction()

# A folder reaches the headers of the folders that it uses, and no others.
isotel_include_test(trace_includes_base base/error.h)
isotel_include_test(trace_cannot_include_metrics metrics/kind.h)
set_tests_properties(layers.trace_cannot_include_metrics
                     PROPERTIES PASS_REGULAR_EXPRESSION "metrics/kind\\.h.*(file not found|No such file)")

find_package(doctest ${ISOTEL_DOCTEST_VERSION} REQUIRED)
include(doctest)
file(GLOB_RECURSE test_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/native/*.cc)
if(test_sources)
  isotel_test_executable(isotel_tests ${test_sources})
  target_link_libraries(isotel_tests PRIVATE doctest::doctest)
  # Optimizing doctest and nlohmann_json in the tests takes two fifths of a sanitized build. The core stays optimized.
  target_compile_options(isotel_tests PRIVATE $<$<CONFIG:Debug>:-O0>)
  # Without timestamps, two precompiled headers of the same source are equal, and ccache recognizes them.
  target_compile_options(isotel_tests PRIVATE "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
  target_precompile_headers(isotel_tests PRIVATE <doctest/doctest.h> <nlohmann/json.hpp>)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/tests/native/main.cc PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  # ctest splits some test names, for example at a semicolon. Such a name selects no test case, which would pass.
  doctest_discover_tests(isotel_tests PROPERTIES FAIL_REGULAR_EXPRESSION "test cases: +0 ")
endif()

file(GLOB benchmarks CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/bench/native/*_bench.cc)
if(benchmarks AND CMAKE_BUILD_TYPE STREQUAL Release)
  find_package(benchmark ${ISOTEL_BENCHMARK_VERSION} QUIET)
  if(benchmark_FOUND)
    isotel_test_executable(isotel_bench ${benchmarks})
    target_link_libraries(isotel_bench PRIVATE benchmark::benchmark_main)
  endif()
endif()

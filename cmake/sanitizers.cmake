set(ISOTEL_SANITIZERS "" CACHE STRING "Value of -fsanitize for everything natively built")
option(ISOTEL_FUZZERS "Build the libFuzzer targets (Clang only)" OFF)

if(ISOTEL_SANITIZERS)
  # vptr needs the type information that -fno-rtti leaves out.
  set(flags -fsanitize=${ISOTEL_SANITIZERS} -fno-sanitize=vptr -fno-sanitize-recover=all)
  add_compile_options(${flags} -fno-omit-frame-pointer)
  add_link_options(${flags})
endif()
if(ISOTEL_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

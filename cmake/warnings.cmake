# Warnings that GCC 12, Clang 14 and Clang 19 all understand.
add_library(isotel_warnings INTERFACE)
target_compile_options(
  isotel_warnings
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wconversion
            -Wsign-conversion
            -Wdouble-promotion
            -Wshadow
            -Wold-style-cast
            -Wcast-align
            -Wcast-qual
            -Wformat=2
            -Wimplicit-fallthrough
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wundef
            -Wvla
            -Werror
            # In libstdc++ 12, std::stable_sort calls a deprecated function.
            -Wno-deprecated-declarations)

set(ISOTEL_COMPILE_OPTIONS -fno-exceptions -fno-rtti -fno-threadsafe-statics)

# isotel_library(<folder> [INLINES] [USES <folder>...] [FAST <file>...] [BALANCED <file>...])
#
# Declares isotel_<folder>, the library of a folder under src/: every .cc file in it.
#
# A folder may include its own headers and those of the folders it USES, directly or through another one. No other
# include resolves: each library has an include root in the build tree, which holds a link to its folder alone.
#
# A Wasm build compiles for size. FAST names the files that it compiles for speed, because a benchmark shows them, and
# BALANCED those where that would cost too many bytes for what it gains. With wasi-libc their functions are inlined where
# that makes the code smaller. INLINES keeps the compiler's limit for a folder, because a benchmark shows its calls.
#
# A cross build makes object libraries: the host's ar writes no symbol index for Wasm objects. Object libraries do not
# link each other's objects, so isotel_closure() finds what a module consists of.
function(isotel_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INLINES" "" "USES;FAST;BALANCED")
  isotel_target_of(target ${folder})
  set(source_dir ${PROJECT_SOURCE_DIR}/src/${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${source_dir}/*.cc)
  if(NOT sources)
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  else()
    if(CMAKE_CROSSCOMPILING)
      add_library(${target} OBJECT ${sources})
    else()
      add_library(${target} STATIC ${sources})
    endif()
    set(scope PUBLIC)
    target_compile_options(${target} PRIVATE ${ISOTEL_COMPILE_OPTIONS})
    if(NOT arg_INLINES)
      target_compile_options(${target} PRIVATE ${ISOTEL_WASM_INLINING})
    endif()
    target_link_libraries(${target} PRIVATE isotel_warnings)
  endif()

  # The path contains /src/, by which clang-tidy knows the project's own headers.
  set(include_root ${CMAKE_BINARY_DIR}/src/${target})
  cmake_path(GET folder PARENT_PATH parent)
  file(MAKE_DIRECTORY ${include_root}/${parent})
  file(CREATE_LINK ${source_dir} ${include_root}/${folder} SYMBOLIC)
  target_include_directories(${target} ${scope} ${include_root})

  foreach(used IN LISTS arg_USES)
    isotel_target_of(used_target ${used})
    target_link_libraries(${target} ${scope} ${used_target})
  endforeach()
  set_target_properties(${target} PROPERTIES ISOTEL_USES "${arg_USES}")

  list(TRANSFORM arg_FAST PREPEND ${source_dir}/)
  list(TRANSFORM arg_BALANCED PREPEND ${source_dir}/)
  foreach(file IN LISTS arg_FAST arg_BALANCED)
    if(NOT file IN_LIST sources)
      message(FATAL_ERROR "CMakeLists.txt lists ${file} as FAST or BALANCED, and there is no such file.")
    endif()
  endforeach()
  if(CMAKE_CROSSCOMPILING)
    foreach(file IN LISTS sources)
      if(file IN_LIST arg_BALANCED)
        set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS ${ISOTEL_WASM_BALANCED})
      elseif(NOT file IN_LIST arg_FAST)
        set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS ${ISOTEL_WASM_SMALL})
      endif()
    endforeach()
  endif()
endfunction()

# isotel_target_of(<result> <folder>): the name of the folder's library.
function(isotel_target_of result folder)
  string(REPLACE "/" "_" name ${folder})
  set(${result} isotel_${name} PARENT_SCOPE)
endfunction()

# isotel_closure(<result> <folder>...): these folders and all that they use, each once.
function(isotel_closure result)
  set(waiting ${ARGN})
  set(found)
  while(waiting)
    list(POP_FRONT waiting folder)
    if(NOT folder IN_LIST found)
      list(APPEND found ${folder})
      isotel_target_of(target ${folder})
      get_target_property(uses ${target} ISOTEL_USES)
      list(APPEND waiting ${uses})
    endif()
  endwhile()
  set(${result} ${found} PARENT_SCOPE)
endfunction()

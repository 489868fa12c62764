set(ISOTEL_COMPILE_OPTIONS -fno-exceptions -fno-rtti -fno-threadsafe-statics)

# isotel_library(<folder> [INLINES] [USES <folder>...] [FAST <file>...] [BALANCED <file>...])
#
# Declares isotel_<folder>, the library of a folder under src/: every .cc file in it.
#
# A folder may include its own headers and those of the folders it USES, directly or through another one. No other
# include resolves: each library has an include root in the build tree, which contains only a link to its folder.
#
# A Wasm build compiles for size. Files listed as FAST are compiled for speed, because a benchmark shows the difference.
# Files listed as BALANCED are compiled with -Os, because compiling them for speed adds too many bytes for its gain.
# With wasi-libc, a call is inlined only if that makes the code smaller. INLINES keeps the compiler's default inlining
# threshold for a folder, because a benchmark shows the difference.
#
# A cross build makes object libraries, because the host's ar writes no symbol index for Wasm objects. Object libraries
# do not link each other's objects, so isotel_closure() lists the libraries of a module.
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

  # The path contains /src/, because clang-tidy recognizes the project's headers by it.
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

# isotel_target_of(<result> <folder>): sets <result> to the name of the folder's library.
function(isotel_target_of result folder)
  string(REPLACE "/" "_" name ${folder})
  set(${result} isotel_${name} PARENT_SCOPE)
endfunction()

# isotel_closure(<result> <folder>...): sets <result> to these folders and all folders that they use, without
# duplicates.
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

# isotel_wasm_module(<name> <folder> [NEXT_FORMAT])
#
# Builds <name>.wasm, a reactor without an entry point, from the library of an ABI's folder and all libraries that it
# uses. The module exports its memory, which can grow, and the functions that are marked with export_name. With
# NEXT_FORMAT, the module writes the next version of the binary formats: src/metrics/message.cc is compiled again for
# it. Such a module is not part of `all`.
set(ISOTEL_WASM_OPTIMIZE -O2 CACHE STRING "Optimization level of the linker, and of files that are listed as FAST")
set(ISOTEL_WASM_BALANCED -Os CACHE STRING "Optimization level of files that are listed as BALANCED")
set(ISOTEL_WASM_SMALL -Oz CACHE STRING "Optimization level of all other files")
set(ISOTEL_WASM_OPT_OPTIMIZE -O3 CACHE STRING "Optimization level of wasm-opt")
set(ISOTEL_WASM_STACK_BYTES 131072 CACHE STRING "Stack of the Wasm module")

# All hosts support these features: workerd, and Node since version 16. They make modules smaller and faster.
set(ISOTEL_WASM_FEATURES -mbulk-memory -mnontrapping-fptoint -msign-ext)

add_compile_options(${ISOTEL_WASM_OPTIMIZE} ${ISOTEL_WASM_FEATURES} -flto -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
add_link_options(${ISOTEL_WASM_FEATURES} -flto)

if(EMSCRIPTEN)
  # emcc runs its own wasm-opt. With these settings the linker also exports its table, stackSave, stackRestore and
  # stackAlloc.
  set(module_link_options
      ${ISOTEL_WASM_OPTIMIZE}
      -sSTANDALONE_WASM
      --no-entry
      -sALLOW_MEMORY_GROWTH
      -sINITIAL_MEMORY=1MB
      -sTOTAL_STACK=${ISOTEL_WASM_STACK_BYTES}
      -sMALLOC=emmalloc
      -sFILESYSTEM=0
      -sSUPPORT_ERRNO=0)
else()
  # When Clang links with -O, it runs any wasm-opt on PATH, so the module would depend on the software of the machine.
  # The linker therefore gets its optimization levels directly. --no-wasm-opt is no alternative: Clang 19 fails to link
  # with it. The stack is at the bottom of memory, so that an overflow traps and overwrites nothing.
  # The inlining threshold 0 makes LLVM inline a call only if the code becomes smaller. Loop strength reduction and
  # partial redundancy elimination are off, because they add code that V8 does not run faster.
  set(ISOTEL_WASM_INLINING "SHELL:-mllvm -inline-threshold=0")
  set(module_link_options
      -mexec-model=reactor
      -Wl,-O2
      -Wl,--lto-O2
      -Wl,-mllvm,-inline-threshold=0
      -Wl,-mllvm,-disable-lsr
      -Wl,-mllvm,-enable-pre=0
      -Wl,--stack-first
      -Wl,-z,stack-size=${ISOTEL_WASM_STACK_BYTES}
      -Wl,--strip-debug)

  # The wasm-opt that package-lock.json pins. It runs in Node.
  find_program(NODE node REQUIRED)
  set(WASM_OPT ${PROJECT_SOURCE_DIR}/node_modules/binaryen/bin/wasm-opt)
  if(NOT EXISTS ${WASM_OPT})
    message(FATAL_ERROR "${WASM_OPT} is missing: run `npm ci`, or `npm run bootstrap`, which also installs the compilers.")
  endif()
endif()

function(isotel_wasm_module name folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "NEXT_FORMAT" "" "")
  set(module ${CMAKE_BINARY_DIR}/${name}.wasm)
  set(target isotel_${name}_wasm)
  if(EMSCRIPTEN)
    set(linked ${target})
    set(linked_dir ${CMAKE_BINARY_DIR})
  else()
    set(linked isotel_${name}_linked)
    set(linked_dir ${CMAKE_BINARY_DIR}/linked)
  endif()

  add_executable(${linked})
  set_target_properties(${linked} PROPERTIES OUTPUT_NAME ${name} SUFFIX .wasm RUNTIME_OUTPUT_DIRECTORY ${linked_dir})
  target_link_options(${linked} PRIVATE ${module_link_options})
  isotel_closure(folders ${folder} abi/wasm)
  foreach(part IN LISTS folders)
    isotel_target_of(library ${part})
    if(part STREQUAL "metrics" AND arg_NEXT_FORMAT)
      target_sources(${linked} PRIVATE ${PROJECT_SOURCE_DIR}/src/metrics/message.cc
                                       $<FILTER:$<TARGET_OBJECTS:${library}>,EXCLUDE,/metrics/message\\.cc>)
      target_include_directories(${linked} PRIVATE $<TARGET_PROPERTY:${library},INCLUDE_DIRECTORIES>)
      target_compile_definitions(${linked} PRIVATE ISOTEL_NEXT_FORMAT)
      target_compile_options(${linked} PRIVATE ${ISOTEL_COMPILE_OPTIONS})
    else()
      target_link_libraries(${linked} PRIVATE ${library})
    endif()
  endforeach()

  set(all ALL)
  if(arg_NEXT_FORMAT)
    set(all)
    set_target_properties(${linked} PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
  if(NOT EMSCRIPTEN)
    # wasm-opt reads the section of target features to learn which features it may use. Nothing else reads the section.
    add_custom_command(
      OUTPUT ${module}
      COMMAND ${NODE} ${WASM_OPT} ${ISOTEL_WASM_OPT_OPTIMIZE} --strip-debug --strip-producers --strip-target-features
              $<TARGET_FILE:${linked}> -o ${module}
      DEPENDS ${linked} ${WASM_OPT}
      VERBATIM)
    add_custom_target(${target} ${all} DEPENDS ${module})
  endif()
endfunction()

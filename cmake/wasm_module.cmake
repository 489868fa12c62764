# isotel_wasm_module(<name> <library>...): <name>.wasm, a reactor without an entry point. Exports are the functions marked
# export_name; memory is exported and grows.
set(ISOTEL_WASM_OPTIMIZE -O2 CACHE STRING "Optimization level of the compiler and the linker")
set(ISOTEL_WASM_OPT_OPTIMIZE -O3 CACHE STRING "Optimization level of wasm-opt")
set(ISOTEL_WASM_STACK_BYTES 131072 CACHE STRING "Stack of the Wasm module")

add_compile_options(${ISOTEL_WASM_OPTIMIZE} -flto -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
add_link_options(-flto)

if(EMSCRIPTEN)
  # emcc runs the wasm-opt that it depends on. Under these settings the linker still exports its table and stackSave,
  # stackRestore, stackAlloc.
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
  # Clang runs any wasm-opt it finds on PATH when it links with -O, so that a module would depend on what else a machine
  # has installed. The linker therefore gets its levels directly: Clang 19 does not link at all with --no-wasm-opt.
  # With the stack at the bottom of memory an overflow traps and overwrites nothing.
  set(module_link_options
      -mexec-model=reactor
      -Wl,-O2
      -Wl,--lto-O2
      -Wl,--stack-first
      -Wl,-z,stack-size=${ISOTEL_WASM_STACK_BYTES}
      -Wl,--strip-debug)

  # The optimizer that package-lock.json pins: a program for Node.
  find_program(NODE node REQUIRED)
  set(WASM_OPT ${PROJECT_SOURCE_DIR}/node_modules/binaryen/bin/wasm-opt)
  if(NOT EXISTS ${WASM_OPT})
    message(FATAL_ERROR "${WASM_OPT} is missing: run `npm ci`, or `npm run bootstrap`, which also installs the compilers.")
  endif()
endif()

function(isotel_wasm_module name)
  set(target isotel_${name}_wasm)
  set(module ${CMAKE_BINARY_DIR}/${name}.wasm)
  add_executable(${target})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} SUFFIX .wasm
                                             RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_link_libraries(${target} PRIVATE ${ARGN})
  target_link_options(${target} PRIVATE ${module_link_options})
  if(EMSCRIPTEN)
    return()
  endif()

  # The section of target features tells wasm-opt what it may use; nothing reads it afterwards.
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/linked)
  add_custom_command(
    OUTPUT ${module}
    COMMAND ${NODE} ${WASM_OPT} ${ISOTEL_WASM_OPT_OPTIMIZE} --strip-debug --strip-producers --strip-target-features
            $<TARGET_FILE:${target}> -o ${module}
    DEPENDS ${target} ${WASM_OPT}
    VERBATIM)
  add_custom_target(isotel_${name}_optimized ALL DEPENDS ${module})
endfunction()

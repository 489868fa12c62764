# isotel_wasm_module(<name> <library>...): <name>.wasm, a reactor without an entry point. Exports are the functions marked export_name; memory is exported and grows.
set(ISOTEL_WASM_OPTIMIZE -O2 CACHE STRING "Optimization level of the Wasm module")
set(ISOTEL_WASM_STACK_BYTES 131072 CACHE STRING "Stack of the Wasm module")

add_compile_options(${ISOTEL_WASM_OPTIMIZE} -flto)
add_link_options(${ISOTEL_WASM_OPTIMIZE} -flto)

if(EMSCRIPTEN)
  # Under these settings the linker still exports its table and stackSave, stackRestore, stackAlloc.
  set(module_link_options
      -sSTANDALONE_WASM
      --no-entry
      -sALLOW_MEMORY_GROWTH
      -sINITIAL_MEMORY=1MB
      -sTOTAL_STACK=${ISOTEL_WASM_STACK_BYTES}
      -sMALLOC=emmalloc
      -sFILESYSTEM=0
      -sSUPPORT_ERRNO=0)
else()
  # With the stack at the bottom of memory an overflow traps and overwrites nothing.
  set(module_link_options -mexec-model=reactor -Wl,--stack-first
                          -Wl,-z,stack-size=${ISOTEL_WASM_STACK_BYTES} -Wl,--strip-all)
endif()

function(isotel_wasm_module name)
  set(target isotel_${name}_wasm)
  add_executable(${target})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} SUFFIX .wasm
                                             RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_link_libraries(${target} PRIVATE ${ARGN})
  target_link_options(${target} PRIVATE ${module_link_options})
endfunction()

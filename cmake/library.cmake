# isotel_library(<target> <folder>...): every .cc of the given folders under src/.
#
# A cross build makes object libraries: the host's ar writes no symbol index for Wasm objects.
function(isotel_library target)
  if(CMAKE_CROSSCOMPILING)
    set(kind OBJECT)
  else()
    set(kind STATIC)
  endif()

  set(sources)
  foreach(folder IN LISTS ARGN)
    file(GLOB folder_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.cc)
    list(APPEND sources ${folder_sources})
  endforeach()

  add_library(${target} ${kind} ${sources})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti -fno-threadsafe-statics)
  target_link_libraries(${target} PRIVATE isotel_warnings)
endfunction()

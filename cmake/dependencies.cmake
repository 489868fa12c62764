# Header-only libraries as targets: isotel::json (nlohmann_json) and isotel::protozero.

# A cross build must not see all of the host's /usr/include, because its C headers would shadow the Wasm libc. Only the
# folder of the library is linked into the build tree.
function(isotel_header_library name folder probe)
  find_path(${name}_INCLUDE_DIR ${folder}/${probe} PATHS /usr/include NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  add_library(isotel_${name} INTERFACE)
  add_library(isotel::${name} ALIAS isotel_${name})
  set(include_dir ${CMAKE_BINARY_DIR}/deps/include)
  file(MAKE_DIRECTORY ${include_dir})
  file(CREATE_LINK ${${name}_INCLUDE_DIR}/${folder} ${include_dir}/${folder} SYMBOLIC)
  target_include_directories(isotel_${name} SYSTEM INTERFACE ${include_dir})
endfunction()

isotel_header_library(json nlohmann json.hpp)
isotel_header_library(protozero protozero pbf_writer.hpp)

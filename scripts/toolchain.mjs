import { readFileSync } from "node:fs";

const versions = readFileSync(new URL("../cmake/versions.cmake", import.meta.url), "utf8");

/** Major version of Clang and its tools, from cmake/versions.cmake. */
export const llvm = /ISOTEL_LLVM_VERSION (\d+)/.exec(versions)?.[1];

/** Debian packages by what needs them. */
export const debianPackages = {
  build: [
    "cmake",
    "ninja-build",
    `clang-${llvm}`,
    `lld-${llvm}`,
    "wasi-libc",
    `libc++-${llvm}-dev-wasm32`,
    `libclang-rt-${llvm}-dev-wasm32`,
    "nlohmann-json3-dev",
    "libprotozero-dev",
  ],
  test: ["emscripten", "doctest-dev", `libclang-rt-${llvm}-dev`, "prometheus"],
  check: ["g++", "doctest-dev", `clang-format-${llvm}`, `clang-tidy-${llvm}`],
  bench: ["g++", "libbenchmark-dev"],
};

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { must, root } from "./process.mjs";

const versions = readFileSync(new URL("../cmake/versions.cmake", import.meta.url), "utf8");

/** Major version of Clang and its tools, from cmake/versions.cmake. */
export const llvm = /ISOTEL_LLVM_VERSION (\d+)/.exec(versions)?.[1];

/** Environment variables with compiler or CMake flags and folders that no file of the project contains. */
export const compilerVariables = [
  "CFLAGS",
  "CXXFLAGS",
  "CPPFLAGS",
  "LDFLAGS",
  "CPATH",
  "C_INCLUDE_PATH",
  "CPLUS_INCLUDE_PATH",
  "LIBRARY_PATH",
  "COMPILER_PATH",
  "CCC_OVERRIDE_OPTIONS",
];

const wasi = "--target=wasm32-wasi";

async function wasiTools() {
  const sdk = process.env.WASI_SDK_PATH;
  const compiler = sdk ? join(sdk, "bin/clang++") : `clang++-${llvm}`;
  const sysroot = sdk ? [`--sysroot=${join(sdk, "share/wasi-sysroot")}`] : [];
  const ask = async (question) => (await must(compiler, [wasi, ...sysroot, question])).trim();
  const linker = await ask("-print-prog-name=wasm-ld");
  const libraries = await Promise.all([
    ...["crt1-reactor.o", "libc.a", "libc++.a", "libc++abi.a"].map((name) =>
      ask(`-print-file-name=${name}`),
    ),
    ask("-print-libgcc-file-name"),
  ]);
  const { version } = JSON.parse(
    readFileSync(join(root, "node_modules/binaryen/package.json"), "utf8"),
  );
  return [
    await must(compiler, ["--version"]),
    await must(linker, ["--version"]),
    ...libraries.map((path) => createHash("sha256").update(readFileSync(path)).digest("hex")),
    `binaryen ${version}`,
  ];
}

/** Returns the version of a program that a native preset compiles with. */
const versionOf = async (program) => [await must(program, ["--version"])];

const toolsOf = {
  wasi: wasiTools,
  emscripten: () =>
    versionOf(process.env.EMSDK ? join(process.env.EMSDK, "upstream/emscripten/em++") : "em++"),
  "native-debug": () => versionOf("c++"),
  "native-release": () => versionOf("c++"),
  "native-asan": () => versionOf(`clang++-${llvm}`),
  "native-fuzz": () => versionOf(`clang++-${llvm}`),
};

/**
 * Returns the identity of the tools that build a CMake preset, as a text: versions, and hashes of the linked libraries.
 * Ninja only compares file times, so a build folder is stale when this text changes.
 */
export async function toolIdentity(preset) {
  const tools = [await must("cmake", ["--version"]), ...(await toolsOf[preset]())];
  return tools.join("\n");
}

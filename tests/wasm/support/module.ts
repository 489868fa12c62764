import { readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";

/** The repository's root. */
export const root: string = join(import.meta.dirname, "../../..");

export type Build = "wasi" | "emscripten";

/** The build a suite runs against; scripts/test.mjs runs it once for each. */
export const build: Build = buildOf(env["ISOTEL_WASM_BUILD"]);

function buildOf(name = "wasi"): Build {
  if (name !== "wasi" && name !== "emscripten") throw new Error(`There is no build "${name}".`);
  return name;
}

/** The bytes of build/BUILD/core.wasm. */
export function readCore(of: Build = build): Uint8Array {
  return readModule("core", of);
}

/** The bytes of build/BUILD/NAME.wasm. */
export function readModule(
  name: "core" | "aggregate" | "flue" | "otlp",
  of: Build = build,
): Uint8Array {
  return new Uint8Array(readFileSync(join(root, `build/${of}/${name}.wasm`)));
}

// The types of the Workers runtime say that a module cannot be compiled from bytes; in Node it can.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;

export function compile(bytes: Uint8Array): WebAssembly.Module {
  return new Module(bytes);
}

/** The module of the build under test. */
export const coreModule: WebAssembly.Module = compile(readCore());

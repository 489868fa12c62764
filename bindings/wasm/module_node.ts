import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// The types of the Workers runtime say that a module cannot be compiled from bytes; in Node it can.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;

/** The module. */
export const compiledModule: WebAssembly.Module = new Module(
  readFileSync(fileURLToPath(import.meta.resolve("./module.wasm"))),
);

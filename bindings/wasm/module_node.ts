import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// The types of the Workers runtime do not allow a module to be compiled from bytes. Node does.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;

/** The compiled module. */
export const compiledModule: WebAssembly.Module = new Module(
  readFileSync(fileURLToPath(import.meta.resolve("./module.wasm"))),
);

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// The types of the Workers runtime do not allow a module to be compiled from bytes. Node does.
const Module = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;

/** The compiled module, or undefined if there is no such file, as in a Worker that was bundled for Node. */
export const compiledModule: WebAssembly.Module | undefined = readModule();

function readModule(): WebAssembly.Module | undefined {
  try {
    return new Module(readFileSync(fileURLToPath(import.meta.resolve("./module.wasm"))));
  } catch {
    // The host of the module reports it at the first use. A Worker may not log while it loads modules.
    return undefined;
  }
}

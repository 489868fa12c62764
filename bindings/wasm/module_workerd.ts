// @ts-expect-error Bundlers for Workers turn this import into a compiled module.
import wasm from "./module.wasm";

/** The compiled module. */
export const compiledModule: WebAssembly.Module = wasm;

// @ts-expect-error bundlers for Workers turn the import into a compiled module
import wasm from "./module.wasm";

/** The module. */
export const compiledModule: WebAssembly.Module = wasm;

// @ts-expect-error bundlers for Workers turn the import into a compiled module
import wasm from "./core.wasm";

/** The compiled core module. */
export const coreModule: WebAssembly.Module = wasm;

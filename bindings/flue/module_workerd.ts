// @ts-expect-error bundlers for Workers turn the import into a compiled module
import wasm from "./flue.wasm";

/** The compiled module for Flue. */
export const flueModule: WebAssembly.Module = wasm;

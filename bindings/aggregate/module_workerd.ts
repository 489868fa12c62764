// @ts-expect-error bundlers for Workers turn the import into a compiled module
import wasm from "./aggregate.wasm";

/** The compiled aggregation module. */
export const aggregateModule: WebAssembly.Module = wasm;

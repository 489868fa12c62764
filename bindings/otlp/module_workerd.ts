// @ts-expect-error bundlers for Workers turn the import into a compiled module
import wasm from "./otlp.wasm";

/** The compiled OTLP module. */
export const otlpModule: WebAssembly.Module = wasm;

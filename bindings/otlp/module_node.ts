import { readModule } from "../core/read_module.ts";

/** The compiled OTLP module. */
export const otlpModule: WebAssembly.Module = readModule(import.meta.resolve("./otlp.wasm"));

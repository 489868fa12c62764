import { readModule } from "./read_module.ts";

/** The compiled core module. */
export const coreModule: WebAssembly.Module = readModule(import.meta.resolve("./core.wasm"));

import { readModule } from "../core/read_module.ts";

/** The compiled module for Flue. */
export const flueModule: WebAssembly.Module = readModule(import.meta.resolve("./flue.wasm"));

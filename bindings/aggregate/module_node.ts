import { readModule } from "../core/read_module.ts";

/** The compiled aggregation module. */
export const aggregateModule: WebAssembly.Module = readModule(
  import.meta.resolve("./aggregate.wasm"),
);

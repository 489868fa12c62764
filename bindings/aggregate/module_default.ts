import { fetchModule } from "../core/fetch_module.ts";

/** The compiled aggregation module, or undefined where it cannot be fetched. */
export const aggregateModule: WebAssembly.Module | undefined = await fetchModule(
  new URL("./aggregate.wasm", import.meta.url),
);

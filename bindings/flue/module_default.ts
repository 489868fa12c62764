import { fetchModule } from "../core/fetch_module.ts";

/** The compiled module for Flue, or undefined where it cannot be fetched. */
export const flueModule: WebAssembly.Module | undefined = await fetchModule(
  new URL("./flue.wasm", import.meta.url),
);

import { fetchModule } from "./fetch_module.ts";

/** The compiled core module, or undefined where it cannot be fetched. */
export const coreModule: WebAssembly.Module | undefined = await fetchModule(
  new URL("./core.wasm", import.meta.url),
);

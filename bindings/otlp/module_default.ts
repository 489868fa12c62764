import { fetchModule } from "../core/fetch_module.ts";

/** The compiled OTLP module, or undefined where it cannot be fetched. */
export const otlpModule: WebAssembly.Module | undefined = await fetchModule(
  new URL("./otlp.wasm", import.meta.url),
);

import { Operation } from "../../../bindings/core/abi.gen.ts";
import { CoreHost } from "../../../bindings/core/core_host.ts";

/**
 * Instantiates a module, checks it, creates its context and opens the first span, as the first call in a Worker does.
 */
function initialise(module: WebAssembly.Module): void {
  const { core } = new CoreHost(() => module);
  if (core === undefined || core.openSpan(Operation.custom, 0, 0, 0, 0) === 0) {
    throw new Error("The module could not be initialised.");
  }
}

/** A Worker that creates an instance of each module. Answers with the duration in milliseconds. */
export function handler(modules: readonly WebAssembly.Module[]): ExportedHandler {
  return {
    fetch() {
      const start = Date.now();
      for (const module of modules) initialise(module);
      return new Response(String(Date.now() - start));
    },
  };
}

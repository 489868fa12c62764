import { Operation } from "../../../bindings/core/abi.gen.ts";
import { CoreHost } from "../../../bindings/core/core_host.ts";

/** Instantiates a module, checks it, creates its context and opens the first span: what a Worker's first call pays. */
function initialise(module: WebAssembly.Module): void {
  const { core } = new CoreHost(() => module);
  if (core === undefined || core.openSpan(Operation.custom, 0, 0, 0, 0) === 0) {
    throw new Error("The module could not be initialised.");
  }
}

/** A Worker that makes an instance of each module and answers with the milliseconds that took. */
export function handler(modules: readonly WebAssembly.Module[]): ExportedHandler {
  return {
    fetch() {
      const start = Date.now();
      for (const module of modules) initialise(module);
      return new Response(String(Date.now() - start));
    },
  };
}

// Loaded before any import of `cloudflare:workers`. Both sides then import the same spans.
import { registerHooks } from "node:module";

const fake = new URL("workers.ts", import.meta.url).href;
const native = new URL("../../../dist/base/workers_workerd.js", import.meta.url).href;

registerHooks({
  resolve(specifier, context, nextResolve) {
    switch (specifier) {
      case "cloudflare:workers":
        return { url: fake, shortCircuit: true };
      case "#workers":
        return nextResolve(native, context);
      default:
        return nextResolve(specifier, context);
    }
  },
});

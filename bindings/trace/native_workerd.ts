// A namespace import: runtimes that predate tracing lack the export, and a named import would not link there.
import * as workers from "cloudflare:workers";

/** `tracing` of `cloudflare:workers`, where the runtime has it. */
export const nativeTracing: unknown = (workers as { tracing?: unknown }).tracing;

/** `waitUntil` of `cloudflare:workers` for the invocation that is running, where the runtime has it. */
export const nativeWaitUntil: ((work: Promise<unknown>) => void) | undefined = (
  workers as { waitUntil?: (work: Promise<unknown>) => void }
).waitUntil;

// A namespace import: a runtime that predates tracing lacks its export, and a named import would not link there.
import * as workers from "cloudflare:workers";

/** `tracing` of `cloudflare:workers`. Undefined in a runtime without it. */
export const nativeTracing: unknown = (workers as { tracing?: unknown }).tracing;

/** `waitUntil` of `cloudflare:workers`, which holds the invocation that is running. Undefined in a runtime without it. */
export const nativeWaitUntil: ((work: Promise<unknown>) => void) | undefined = (
  workers as { waitUntil?: (work: Promise<unknown>) => void }
).waitUntil;

export { DurableObject } from "cloudflare:workers";

// A namespace import: a named import of `tracing` fails at link time in a runtime that predates tracing.
import * as workers from "cloudflare:workers";

/** `tracing` of `cloudflare:workers`. Undefined in a runtime that lacks it. */
export const nativeTracing: unknown = (workers as { tracing?: unknown }).tracing;

/** `waitUntil` of `cloudflare:workers`, which extends the current invocation. Undefined in a runtime that lacks it. */
export const nativeWaitUntil: ((work: Promise<unknown>) => void) | undefined = (
  workers as { waitUntil?: (work: Promise<unknown>) => void }
).waitUntil;

type Exports = Readonly<Record<string, unknown>>;

/** Stubs of the exports of the Worker's main module. Undefined in a runtime that lacks them. */
export const nativeExports: Exports | undefined = (workers as { exports?: Exports }).exports;

/** The base class of entrypoints. */
export const NativeEntrypoint: unknown = workers.WorkerEntrypoint;

/** The base class of Workflows. */
export const NativeWorkflow: unknown = workers.WorkflowEntrypoint;

export { DurableObject } from "cloudflare:workers";

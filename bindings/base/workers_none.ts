// Replaces `cloudflare:workers` outside workerd.
import type { DurableObjectClass, DurableObjectState } from "./runtime_types.ts";

/** Always undefined: there is no native tracing. */
export const nativeTracing: unknown = undefined;

/** Always undefined: there are no invocations to keep alive. */
export const nativeWaitUntil: ((work: Promise<unknown>) => void) | undefined = undefined;

/** Always undefined: there are no other invocations. */
export const nativeExports: Readonly<Record<string, unknown>> | undefined = undefined;

/** Always undefined: there are no entrypoints. */
export const NativeEntrypoint: unknown = undefined;

/** Always undefined: there are no Workflows. */
export const NativeWorkflow: unknown = undefined;

/** Lets modules that define Durable Objects load. */
export const DurableObject: DurableObjectClass = class {
  protected readonly ctx: DurableObjectState;
  protected readonly env: unknown;

  constructor(ctx: DurableObjectState, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
} as never;

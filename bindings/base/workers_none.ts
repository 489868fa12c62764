// What stands for `cloudflare:workers` outside of workerd.
import type * as workers from "cloudflare:workers";

/** There is no native tracing. */
export const nativeTracing: unknown = undefined;

/** There are no invocations to hold. */
export const nativeWaitUntil: ((work: Promise<unknown>) => void) | undefined = undefined;

/** Lets modules with Durable Objects load. */
export const DurableObject: typeof workers.DurableObject = class {
  protected readonly ctx: DurableObjectState;
  protected readonly env: unknown;

  constructor(ctx: DurableObjectState, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
} as never;

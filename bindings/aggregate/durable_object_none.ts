import type * as workers from "cloudflare:workers";

/** Stands in for the base class where there are no Durable Objects, so that modules load there too. */
export const DurableObject: typeof workers.DurableObject = class {
  protected readonly ctx: DurableObjectState;
  protected readonly env: unknown;

  constructor(ctx: DurableObjectState, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
} as never;

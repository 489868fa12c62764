/** How a body ended: with what it returned, or what it threw. */
export type Outcome = { readonly result: unknown } | { readonly cause: unknown };

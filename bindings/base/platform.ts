import { NativeEntrypoint } from "#workers";

/** Where a program runs. `other` stands for Deno, Bun, browsers and further ones. */
export type Platform = "workers" | "node" | "other";

const scope = globalThis as {
  readonly navigator?: { readonly userAgent?: string };
  readonly process?: { readonly versions?: { readonly node?: string } };
};

/** Returns where this program runs. With `nodejs_compat`, Workers have the `process` of Node too. */
export function platform(): Platform {
  const agent = scope.navigator?.userAgent;
  // Older Workers have no `navigator`. A bundler that chose the condition `node` leaves no `cloudflare:workers`.
  if (NativeEntrypoint !== undefined || agent === "Cloudflare-Workers") return "workers";
  // Node 20 has no `navigator`. Deno and Bun have versions of Node.
  const mayBeNode = agent === undefined || agent.startsWith("Node.js/");
  return mayBeNode && nodeVersion() !== undefined ? "node" : "other";
}

/** Returns the version of Node, such as `24.1.0`. */
export function nodeVersion(): string | undefined {
  return scope.process?.versions?.node;
}

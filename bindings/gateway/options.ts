import type { AIGatewayTarget } from "./base_url.ts";

/** Tags of requests in the gateway's log and exports. */
export type AIGatewayMetadata = Readonly<Record<string, string | number | boolean>>;

/** How the gateway caches answers. */
export interface AIGatewayCache {
  /** Seconds to keep an answer, 60 to 2,678,400. 0 keeps none. */
  readonly ttlSeconds?: number | undefined;
  /** Replaces the key that the gateway derives from the request. Requests with equal keys get the same answer. */
  readonly key?: string | undefined;
  /** Whether to ask the provider even if the cache has an answer. */
  readonly skip?: boolean | undefined;
}

/** How the gateway retries requests to the provider. */
export interface AIGatewayRetry {
  /** Limit of attempts, 1 to 5. */
  readonly maxAttempts?: number | undefined;
  /** Milliseconds before the next attempt, 0 to 5,000. */
  readonly delayMs?: number | undefined;
  /** How the delay grows with each attempt. */
  readonly backoff?: "constant" | "linear" | "exponential" | undefined;
}

/** The cost of a request in US dollars. Replaces the provider's public prices. */
export type AIGatewayCost =
  | { readonly perTokenIn: number; readonly perTokenOut: number }
  | { readonly total: number };

/** Options of `configureAIGateway`. Default of all request settings: the settings of the gateway. */
export interface AIGatewayOptions extends AIGatewayTarget {
  /**
   * API token, which an authenticated gateway requires. Sent as `cf-aig-authorization`. False sends none, even if the
   * variable is set. Default: the variable CLOUDFLARE_API_TOKEN.
   */
  readonly apiToken?: string | false | undefined;
  /** At most 5 entries. Keys that begin with `cf.` are reserved for the gateway. */
  readonly metadata?: AIGatewayMetadata | undefined;
  /** Sent as `cf-aig-cache-ttl`, `cf-aig-cache-key` and `cf-aig-skip-cache`. */
  readonly cache?: AIGatewayCache | undefined;
  /** Sent as `cf-aig-max-attempts`, `cf-aig-retry-delay` and `cf-aig-backoff`. */
  readonly retry?: AIGatewayRetry | undefined;
  /** Whether the gateway logs the request. */
  readonly collectLog?: boolean | undefined;
  /** Whether the log contains prompt and answer. */
  readonly collectLogPayload?: boolean | undefined;
  /** Sent as `cf-aig-custom-cost`. */
  readonly customCost?: AIGatewayCost | undefined;
  /** Sent as `cf-aig-event-id`. */
  readonly eventId?: string | undefined;
  /** Milliseconds until the first part of an answer must arrive. */
  readonly requestTimeoutMs?: number | undefined;
  /** Sends the requests. Default: the global `fetch` at the time of each request. */
  readonly fetch?: typeof fetch | undefined;
}

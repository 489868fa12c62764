import type { AIGatewayTarget } from "./base_url.ts";

/** What requests are tagged with in the gateway's log and exports. */
export type AIGatewayMetadata = Readonly<Record<string, string | number | boolean>>;

export interface AIGatewayCache {
  /** Seconds an answer is kept, 60 to 2,678,400; 0 keeps none. */
  readonly ttlSeconds?: number | undefined;
  /** In place of the key the gateway makes of the request: equal keys get equal answers. */
  readonly key?: string | undefined;
  /** Ask the provider whatever the cache has. */
  readonly skip?: boolean | undefined;
}

export interface AIGatewayRetry {
  /** 1 to 5. */
  readonly maxAttempts?: number | undefined;
  /** Milliseconds before the next attempt, 0 to 5,000. */
  readonly delayMs?: number | undefined;
  /** How the delay grows. */
  readonly backoff?: "constant" | "linear" | "exponential" | undefined;
}

/** What a request costs, in place of the provider's public prices, in US dollars. */
export type AIGatewayCost =
  | { readonly perTokenIn: number; readonly perTokenOut: number }
  | { readonly total: number };

/** Options of `configureAIGateway`. What is not given is as the gateway's own settings say. */
export interface AIGatewayOptions extends AIGatewayTarget {
  /**
   * Sent as `cf-aig-authorization`, which an authenticated gateway wants; the variable CLOUDFLARE_API_TOKEN unless
   * given. false sends none, whatever the variable holds.
   */
  readonly apiToken?: string | false | undefined;
  /** At most five entries. Keys that begin with `cf.` are the gateway's own. */
  readonly metadata?: AIGatewayMetadata | undefined;
  readonly cache?: AIGatewayCache | undefined;
  readonly retry?: AIGatewayRetry | undefined;
  /** Whether the gateway logs the request. */
  readonly collectLog?: boolean | undefined;
  /** Whether the log keeps prompt and answer. */
  readonly collectLogPayload?: boolean | undefined;
  readonly customCost?: AIGatewayCost | undefined;
  readonly eventId?: string | undefined;
  /** Milliseconds until the first part of an answer has to be there. */
  readonly requestTimeoutMs?: number | undefined;
  /** Sends the requests; the global `fetch` of the moment unless given. */
  readonly fetch?: typeof fetch | undefined;
}

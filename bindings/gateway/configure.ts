import { nativeTracing } from "#workers";
import { activeContext } from "../otlp/capture/context.ts";
import { isSampled } from "../otlp/core/model.ts";
import type { SpanContext } from "../trace/span_runtime.ts";
import { aiGatewayBaseURL, gatewayURL } from "./base_url.ts";
import { invalid } from "./check.ts";
import type { AIGatewayOptions } from "./options.ts";
import { requestHeaders } from "./request_headers.ts";
import { activeSpanContext, gatewayFetch } from "./traced_fetch.ts";

/** What a client needs to go through AI Gateway, under the names providers of the AI SDK have for it. */
export interface AIGatewayConfiguration {
  readonly baseURL: string;
  /** By lower-case name. */
  readonly headers: Record<string, string>;
  readonly fetch: typeof fetch;
}

/**
 * Routes a provider of the AI SDK, or any client with a base URL, through AI Gateway.
 *
 * ```ts
 * const openai = createOpenAI({ apiKey, ...configureAIGateway({ provider: "openai", metadata: { team: "shop" } }) });
 * ```
 *
 * The gateway's spans become children of the span a request is made in: `chat` of a call that `isotel/ai` traces, or
 * else the runtime's active span. The log id, the cache status and the step of each answer stand on the `chat` span.
 *
 * `fetch` adds two headers to requests to this gateway and nothing else; a request that has one of them is left alone,
 * and so is one outside of any recorded span. It reads no body.
 *
 * @throws TypeError that names the option or variable that is missing or wrong, never its value.
 */
export function configureAIGateway(options: AIGatewayOptions): AIGatewayConfiguration {
  const { fetch: original } = options;
  if (original !== undefined && typeof original !== "function") {
    throw invalid("fetch", original, "a function");
  }
  return {
    baseURL: aiGatewayBaseURL(options),
    headers: requestHeaders(options),
    fetch: gatewayFetch(gatewayURL(options), original, activeSpan),
  };
}

/** The span that is active: one that `isotel/otlp` exports, or else the runtime's. */
function activeSpan(): SpanContext | undefined {
  const exported = activeContext.getStore()?.parent;
  if (exported === undefined || !isSampled(exported)) return activeSpanContext(nativeTracing);
  return { traceId: exported.traceId, spanId: exported.spanId, traceFlags: exported.flags };
}

import { nativeTracing } from "#workers";
import { type OptionNames, unknownOption } from "../base/options.ts";
import { activeContext } from "../otlp/capture/context.ts";
import { isSampled } from "../otlp/core/model.ts";
import type { SpanContext } from "../trace/span_runtime.ts";
import { aiGatewayBaseURL, gatewayURL } from "./base_url.ts";
import { invalid } from "./check.ts";
import type { AIGatewayOptions } from "./options.ts";
import { requestHeaders } from "./request_headers.ts";
import { activeSpanContext, gatewayFetch } from "./traced_fetch.ts";

/** Options that route a client through AI Gateway. The names are those of AI SDK providers. */
export interface AIGatewayConfiguration {
  /** The base URL of the provider behind the gateway. */
  readonly baseURL: string;
  /** Headers with the settings of requests, by lower-case name. */
  readonly headers: Record<string, string>;
  /** Adds the ids of the active span to requests to the gateway. */
  readonly fetch: typeof fetch;
}

const optionNames: OptionNames<AIGatewayOptions> = {
  accountId: true,
  gatewayId: true,
  provider: true,
  apiToken: true,
  metadata: true,
  cache: true,
  retry: true,
  collectLog: true,
  collectLogPayload: true,
  customCost: true,
  eventId: true,
  requestTimeoutMs: true,
  fetch: true,
};

/**
 * Returns options that route an AI SDK provider, or any client with a base URL, through AI Gateway.
 *
 * ```ts
 * const openai = createOpenAI({ apiKey, ...configureAIGateway({ provider: "openai", metadata: { team: "shop" } }) });
 * ```
 *
 * The gateway's spans become children of the span that is active when the request is made: the `chat` span of a call
 * that `isotel/ai` traces, otherwise the runtime's active span. The `chat` span records the log id, the cache status
 * and the step of each answer.
 *
 * `fetch` adds two headers to requests to this gateway, and to requests of Cloudflare's REST API
 * (`/client/v4/accounts/{id}/ai/`) that have `cf-aig-gateway-id`. It changes nothing else. It adds none if the request
 * already has one of them or no recorded span is active. It never reads a body.
 *
 * @throws TypeError if an option or variable is missing or invalid, or an option does not exist. The message contains
 *   its name but not its value.
 */
export function configureAIGateway(options: AIGatewayOptions): AIGatewayConfiguration {
  const unknown = unknownOption("isotel/gateway", options, optionNames);
  if (unknown !== undefined) throw new TypeError(unknown);
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

/** Returns the active span that `isotel/otlp` exports, otherwise the runtime's active span. */
function activeSpan(): SpanContext | undefined {
  const exported = activeContext.getStore()?.parent;
  if (exported === undefined || !isSampled(exported)) return activeSpanContext(nativeTracing);
  return { traceId: exported.traceId, spanId: exported.spanId, traceFlags: exported.flags };
}

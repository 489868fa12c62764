import type { TelemetryAggregator } from "./telemetry_aggregator.ts";

/** The bindings of wrangler.jsonc, and optional variables. Without variables, the scripted model answers. */
export interface Env {
  readonly TELEMETRY_QUEUE: Queue;
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
  readonly TELEMETRY_KV: KVNamespace;
  /** The bearer token for scrapes of `/metrics`. Without it, scrapes are refused. */
  readonly SCRAPE_TOKEN?: string;
  /** Milliseconds between two flushes of an isolate's metrics, and between two exports of the totals. */
  readonly FLUSH_INTERVAL_MS?: string;
  /**
   * The backends for spans, such as "honeycomb" or "honeycomb,sentry". A backend reads its keys from variables with its
   * own names.
   */
  readonly OTLP_BACKEND?: string;
  /** The backends for metrics, in the same form. Not every backend takes metrics. */
  readonly OTLP_METRICS_BACKEND?: string;
  readonly AXIOM_METRICS_DATASET?: string;
  /** An endpoint that replaces the default endpoint of the backend, such as that of a collector. */
  readonly OTLP_ENDPOINT?: string;
  /** "scripted" selects the scripted model even if OPENAI_API_KEY is set. */
  readonly MODEL?: string;
  readonly OPENAI_API_KEY?: string;
  readonly OPENAI_MODEL?: string;
  /** If both are set, requests to OpenAI go through this AI Gateway. */
  readonly CLOUDFLARE_ACCOUNT_ID?: string;
  readonly AI_GATEWAY_ID?: string;
}

declare global {
  namespace Cloudflare {
    // The type of `exports` of "cloudflare:workers".
    interface GlobalProps {
      mainModule: typeof import("./index.ts");
    }
  }
}

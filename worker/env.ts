import type { TelemetryAggregator } from "./telemetry_aggregator.ts";

/** The bindings of wrangler.jsonc, and what may be configured; without any of that the scripted model answers. */
export interface Env {
  readonly TELEMETRY_QUEUE: Queue;
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
  readonly TELEMETRY_KV: KVNamespace;
  /** What a scraper of `/metrics` has to send as a bearer token; without it nobody may scrape. */
  readonly SCRAPE_TOKEN?: string;
  /** Milliseconds between two flushes of an isolate's metrics, and between two exports of the totals. */
  readonly FLUSH_INTERVAL_MS?: string;
  /** Spans are exported to these backends, such as "honeycomb" or "honeycomb,sentry", with keys in variables of theirs. */
  readonly OTLP_BACKEND?: string;
  /** The same of metrics, which not every backend takes. */
  readonly OTLP_METRICS_BACKEND?: string;
  readonly AXIOM_METRICS_DATASET?: string;
  /** Another endpoint than the backend's, such as that of a collector. */
  readonly OTLP_ENDPOINT?: string;
  /** "scripted" keeps the scripted model although there is a key. */
  readonly MODEL?: string;
  readonly OPENAI_API_KEY?: string;
  readonly OPENAI_MODEL?: string;
  /** Both set: requests to OpenAI travel through this AI Gateway. */
  readonly CLOUDFLARE_ACCOUNT_ID?: string;
  readonly AI_GATEWAY_ID?: string;
}

declare global {
  namespace Cloudflare {
    // Gives `exports` of "cloudflare:workers" its type.
    interface GlobalProps {
      mainModule: typeof import("./index.ts");
    }
  }
}

// An example: a Worker that follows others through a streaming tail, exports their spans and logs and measures them.
import { collector } from "isotel/collector";
import type { TelemetryAggregator } from "isotel/metrics";
import type { OtlpOptions } from "isotel/otlp";

export { TelemetryAggregator } from "isotel/metrics";

/** The bindings of wrangler.jsonc, and what may be configured. Keys of a backend are variables under its own names. */
interface Env {
  readonly TELEMETRY_QUEUE: Queue;
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
  readonly TELEMETRY_KV: KVNamespace;
  /** What a scraper of `/metrics` has to send as a bearer token; without it nobody may scrape. */
  readonly SCRAPE_TOKEN?: string;
  /** Milliseconds between two flushes of an isolate's metrics. */
  readonly FLUSH_INTERVAL_MS?: string;
  /** The backend spans and logs are exported to, such as "honeycomb". */
  readonly OTLP_BACKEND: string;
  /** Another endpoint than the backend's. */
  readonly OTLP_ENDPOINT?: string;
}

export default collector((env: Env) => ({
  otlp: {
    backend: env.OTLP_BACKEND,
    ...(env.OTLP_ENDPOINT !== undefined && { endpoint: env.OTLP_ENDPOINT }),
  } as OtlpOptions,
  metrics: {
    queue: env.TELEMETRY_QUEUE,
    queueName: "isotel-collector-telemetry",
    aggregator: env.TELEMETRY,
    kv: env.TELEMETRY_KV,
    ...(env.SCRAPE_TOKEN !== undefined && { scrapeToken: env.SCRAPE_TOKEN }),
    ...(env.FLUSH_INTERVAL_MS !== undefined && {
      flushIntervalMs: Number(env.FLUSH_INTERVAL_MS),
    }),
  },
}));

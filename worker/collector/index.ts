// Example: a streaming tail Worker that exports and measures the spans and logs of other Workers.
import "isotel/metrics";
import type { TelemetryAggregator } from "isotel/aggregator";
import { collector } from "isotel/collector";
import type { OtlpOptions } from "isotel/otlp";

export { TelemetryAggregator } from "isotel/aggregator";

/**
 * The bindings of wrangler.jsonc, and optional variables. A backend reads its keys from variables with its own names.
 */
interface Env {
  readonly TELEMETRY_QUEUE: Queue;
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
  readonly TELEMETRY_KV: KVNamespace;
  /** The bearer token for scrapes of `/metrics`. Without it, scrapes are refused. */
  readonly SCRAPE_TOKEN?: string;
  /** Milliseconds between two flushes of an isolate's metrics. */
  readonly FLUSH_INTERVAL_MS?: string;
  /** The backend for spans and logs, such as "honeycomb". */
  readonly OTLP_BACKEND: string;
  /** An endpoint that replaces the default endpoint of the backend. */
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

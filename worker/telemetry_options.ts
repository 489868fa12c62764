import "isotel/otlp";
import type { TelemetryOptions } from "isotel";
import type { OtlpOptions } from "isotel/otlp";
import type { MetricsExportOptions } from "isotel/otlp/metrics";
import type { Env } from "./env.ts";

const routes: ReadonlySet<string> = new Set(["/", "/chat", "/chat/stream", "/resolve"]);

function route({ url }: Request): string | undefined {
  const { pathname } = new URL(url);
  return routes.has(pathname) ? pathname : undefined;
}

/** USD for a million tokens. The scripted model has invented prices. For a real model, use those of its provider. */
const prices = { "scripted-1": { input: 1, output: 4, cacheRead: 0.1, cacheWrite: 1.25 } };

/** Each backend reads its keys from variables with its own names. */
function otlpOptions(env: Env, names: string): OtlpOptions {
  const { OTLP_ENDPOINT: endpoint, AXIOM_METRICS_DATASET: metricsDataset } = env;
  const backends = names
    .split(",")
    .map((backend) => ({ backend, endpoint, ...(backend === "axiom" && { metricsDataset }) }));
  return { backends, serviceName: "isotel-reference", route } as OtlpOptions;
}

/** Returns the telemetry options of this Worker. */
export function telemetryOptions(env: Env): TelemetryOptions {
  return {
    ...(env.OTLP_BACKEND !== undefined && { otlp: otlpOptions(env, env.OTLP_BACKEND) }),
    metrics: {
      queue: env.TELEMETRY_QUEUE,
      aggregator: env.TELEMETRY,
      kv: env.TELEMETRY_KV,
      ...(env.SCRAPE_TOKEN !== undefined && { scrapeToken: env.SCRAPE_TOKEN }),
      ...(env.FLUSH_INTERVAL_MS !== undefined && {
        flushIntervalMs: Number(env.FLUSH_INTERVAL_MS),
      }),
      route,
      genAi: { prices },
    },
  };
}

/** Returns the metrics backends for the totals of all isolates, in addition to `/metrics`. */
export function metricsExportOptions(env: Env): MetricsExportOptions | undefined {
  const { OTLP_METRICS_BACKEND, FLUSH_INTERVAL_MS } = env;
  if (OTLP_METRICS_BACKEND === undefined) return undefined;
  return {
    ...otlpOptions(env, OTLP_METRICS_BACKEND),
    ...(FLUSH_INTERVAL_MS !== undefined && { intervalMs: Number(FLUSH_INTERVAL_MS) }),
  };
}

import type { TelemetryOptions } from "isotel";
import type { Env } from "./env.ts";

const routes: ReadonlySet<string> = new Set(["/", "/chat", "/chat/stream", "/resolve"]);

/** Where the telemetry of this Worker goes. */
export function telemetryOptions(env: Env): TelemetryOptions {
  return {
    metrics: {
      queue: env.TELEMETRY_QUEUE,
      aggregator: env.TELEMETRY,
      kv: env.TELEMETRY_KV,
      ...(env.SCRAPE_TOKEN !== undefined && { scrapeToken: env.SCRAPE_TOKEN }),
      ...(env.FLUSH_INTERVAL_MS !== undefined && {
        flushIntervalMs: Number(env.FLUSH_INTERVAL_MS),
      }),
      route: ({ url }) => {
        const { pathname } = new URL(url);
        return routes.has(pathname) ? pathname : undefined;
      },
    },
  };
}

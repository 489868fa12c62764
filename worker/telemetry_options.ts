import "isotel/otlp";
import type { TelemetryOptions } from "isotel";
import type { OtlpOptions } from "isotel/otlp";
import type { Env } from "./env.ts";

const routes: ReadonlySet<string> = new Set(["/", "/chat", "/chat/stream", "/resolve"]);

function route({ url }: Request): string | undefined {
  const { pathname } = new URL(url);
  return routes.has(pathname) ? pathname : undefined;
}

/** Keys are variables, under the names each backend has for them. */
function otlpOptions({ OTLP_ENDPOINT }: Env, names: string): OtlpOptions {
  const backends = names.split(",").map((backend) => ({ backend, endpoint: OTLP_ENDPOINT }));
  return { backends, serviceName: "isotel-reference", route } as OtlpOptions;
}

/** Where the telemetry of this Worker goes. */
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
    },
  };
}

import {
  consumeTelemetry,
  type MetricsExportCounts,
  metricsResponse,
  TelemetryAggregator,
  type TelemetryAggregatorOptions,
} from "isotel/aggregator";
import type { TelemetryAggregator as Former, MetricsResponseOptions } from "isotel/metrics";
import type { MetricsExportOptions } from "isotel/otlp/metrics";
import { expectTrue, type Same } from "./expect.ts";

interface Env {
  readonly TELEMETRY: DurableObjectNamespace<Telemetry>;
  readonly TELEMETRY_KV: KVNamespace;
  readonly TELEMETRY_QUEUE: Queue;
  readonly SCRAPE_TOKEN: string;
}
declare const env: Env;
declare const request: Request;
declare const batch: MessageBatch;

// The settings of an aggregator are a static of a class of one's own.
export class Telemetry extends TelemetryAggregator {
  static override options: TelemetryAggregatorOptions = { kv: "METRICS", gaugeExpiryMs: 60_000 };
}
// The backends of an aggregator come from the Worker's variables.
export class Exporting extends TelemetryAggregator {
  static override options: TelemetryAggregatorOptions = {
    otlp: (env: Env) => ({
      backends: [
        { backend: "grafana", zone: "prod-us-east-0", instanceId: "12", token: env.SCRAPE_TOKEN },
        { backend: "datadog", temporality: "delta" },
      ],
      serviceName: "shop",
      intervalMs: 30_000,
    }),
  };
}
const exported: MetricsExportOptions = { backend: "axiom", metricsDataset: "numbers" };
export class Elsewhere extends TelemetryAggregator {
  static override options: TelemetryAggregatorOptions = { otlp: () => exported };
}
expectTrue<
  Same<ReturnType<TelemetryAggregator["exportCounts"]>, Promise<readonly MetricsExportCounts[]>>
>();
// @ts-expect-error there is no such temporality
const absolute: MetricsExportOptions = { backend: "datadog", temporality: "absolute" };
// @ts-expect-error options are made of an env
const plain: TelemetryAggregatorOptions = { otlp: { backend: "datadog" } };

export { absolute, plain };
// @ts-expect-error a time is a number
export class Mistyped extends TelemetryAggregator {
  static override options = { gaugeExpiryMs: "1 minute" };
}

// Scrapes are answered from KV, from the aggregators or from both.
expectTrue<Same<ReturnType<typeof metricsResponse>, Promise<Response>>>();
metricsResponse(request, { kv: env.TELEMETRY_KV, scrapeToken: env.SCRAPE_TOKEN });
metricsResponse(request, { aggregator: env.TELEMETRY, source: "durable-object", public: true });
// @ts-expect-error there is no such source
metricsResponse(request, { kv: env.TELEMETRY_KV, source: "d1" });
// @ts-expect-error a queue is no KV namespace
metricsResponse(request, { kv: env.TELEMETRY_QUEUE });

// A batch is consumed by a namespace.
expectTrue<Same<ReturnType<typeof consumeTelemetry>, Promise<void>>>();
consumeTelemetry(batch, { aggregator: env.TELEMETRY, shards: 2 });
// @ts-expect-error a KV namespace aggregates nothing
consumeTelemetry(batch, { aggregator: env.TELEMETRY_KV });

// The types of the aggregator are still found where they were. Its values are not: they would bring aggregate.wasm.
expectTrue<Same<Former, TelemetryAggregator>>();
expectTrue<Same<MetricsResponseOptions, Parameters<typeof metricsResponse>[1]>>();

// @ts-expect-error it is a type there
export { consumeTelemetry as former } from "isotel/metrics";

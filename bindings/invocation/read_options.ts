import { isIntegerIn } from "../metrics/bounds.ts";
import type { FlushPlan } from "../metrics/flusher.ts";
import { shapeOf } from "../metrics/shape.ts";
import { aggregatorTransport, queueTransport } from "../metrics/transport.ts";
import { metricsRoutes } from "./metrics_routes.ts";
import type { MetricsBindings, TelemetryOptions } from "./telemetry_options.ts";

/** What `withTelemetry` is given as its second argument. */
export type OptionsOf = (env: never) => TelemetryOptions;

/** What the options of one `env` come to. */
export interface WorkerOptions {
  readonly metrics: MetricsBindings;
  /** How frames are sent; undefined when the binding for it is missing. */
  readonly plan: FlushPlan | undefined;
}

const defaultIntervalMs = 10_000;
const minIntervalMs = 100;
/** A timer has to fit into the 30 s that work may go on after a response. */
const maxIntervalMs = 20_000;
/** A scrape reads every shard. */
const maxShards = 256;

/** Lines of wrangler.jsonc that add a binding. */
const configuration = {
  queue:
    '"queues": { "producers": [{ "binding": "TELEMETRY_QUEUE", "queue": "telemetry" }], ' +
    '"consumers": [{ "queue": "telemetry" }] }',
  aggregator:
    '"durable_objects": { "bindings": [{ "name": "TELEMETRY", "class_name": "TelemetryAggregator" }] }, ' +
    '"migrations": [{ "tag": "telemetry", "new_sqlite_classes": ["TelemetryAggregator"] }]',
  kv: '"kv_namespaces": [{ "binding": "TELEMETRY_KV", "id": "..." }]',
} as const;

type BindingName = keyof typeof configuration;

const methods: Readonly<Record<BindingName, readonly string[]>> = {
  queue: ["send", "sendBatch"],
  aggregator: ["idFromName", "get"],
  kv: ["get", "put"],
};

const none: WorkerOptions | undefined = undefined;

/**
 * Reads the options for an `env`, once. What is wrong with them is said once, and the Worker goes on without it.
 *
 * @param report where errors are told.
 */
export function readOptions(
  optionsOf: OptionsOf,
  env: unknown,
  report: (message: string) => void,
): WorkerOptions | undefined {
  const missing: string[] = [];
  let metrics: MetricsBindings | undefined;
  try {
    const options = optionsOf(watched(env, missing) as never) as TelemetryOptions | undefined;
    metrics = options?.metrics;
    if (metrics === undefined) return none;
    const isObject = typeof metrics === "object" && metrics !== null;
    if (!isObject) {
      report(`isotel: metrics is ${shapeOf(metrics)}; it has to be an object with bindings`);
      return none;
    }
  } catch (cause) {
    const what = cause instanceof Error ? cause.name : typeof cause;
    report(
      `isotel: the options of withTelemetry could not be read (${what}); there are no metrics`,
    );
    return none;
  }
  const found = checkedBindings(metrics, missing, report);
  warnWithoutRoutes(metrics, report);
  return { metrics: found, plan: planOf(found, report) };
}

/** An `env` that notes which bindings were asked for and are not there. */
function watched(env: unknown, missing: string[]): unknown {
  if (typeof env !== "object" || env === null) return env;
  return new Proxy(env, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (value === undefined && typeof key === "string") missing.push(key);
      return value;
    },
  });
}

/** The options without bindings that are none. */
function checkedBindings(
  metrics: MetricsBindings,
  missing: readonly string[],
  report: (message: string) => void,
): MetricsBindings {
  const found: Record<string, unknown> = { ...metrics };
  for (const name of Object.keys(configuration) as BindingName[]) {
    if (!(name in metrics)) continue;
    const binding = metrics[name] as Readonly<Record<string, unknown>> | undefined;
    const isBinding =
      typeof binding === "object" &&
      binding !== null &&
      methods[name].every((method) => typeof binding[method] === "function");
    if (isBinding) continue;
    delete found[name];
    const asked = missing.length > 0 ? ` (not in env: ${missing.join(", ")})` : "";
    const rule = `it has to be a binding with ${methods[name].join("() and ")}()`;
    report(
      `isotel: metrics.${name} is ${shapeOf(binding)}${asked}; ${rule}. ` +
        `wrangler.jsonc adds one with ${configuration[name]}`,
    );
  }
  return found as MetricsBindings;
}

function planOf(
  metrics: MetricsBindings,
  report: (message: string) => void,
): FlushPlan | undefined {
  const { queue, aggregator, transport = queue === undefined ? "aggregator" : "queue" } = metrics;
  const intervalMs = intervalOf(metrics.flushIntervalMs, report);
  if (transport === "queue" && queue !== undefined) {
    return { transport: queueTransport(queue), intervalMs };
  }
  if (transport === "aggregator" && aggregator !== undefined) {
    const shards = shardsOf(metrics.shards, report);
    return { transport: aggregatorTransport(aggregator, shards), intervalMs };
  }
  const wanted: BindingName =
    transport === "aggregator" && "aggregator" in metrics ? "aggregator" : "queue";
  report(
    `isotel: nothing that is recorded can be sent: metrics.${wanted} is missing. ` +
      `wrangler.jsonc adds it with ${configuration[wanted]}`,
  );
  return undefined;
}

function intervalOf(value: unknown, report: (message: string) => void): number {
  if (value === undefined) return defaultIntervalMs;
  const isInterval = typeof value === "number" && value >= minIntervalMs && value <= maxIntervalMs;
  if (isInterval) return value;
  report(
    `isotel: metrics.flushIntervalMs is ${shapeOf(value)}; it has to be a number of milliseconds ` +
      `from ${minIntervalMs} to ${maxIntervalMs}. ${defaultIntervalMs} is used`,
  );
  return defaultIntervalMs;
}

function shardsOf(value: unknown, report: (message: string) => void): number {
  if (value === undefined) return 1;
  if (isIntegerIn(value as number, 1, maxShards)) return value as number;
  report(
    `isotel: metrics.shards is ${shapeOf(value)}; it has to be an integer from 1 to ${maxShards}. 1 is used`,
  );
  return 1;
}

/** A Worker that wants to be scraped has to carry the code for it. */
function warnWithoutRoutes(metrics: MetricsBindings, report: (message: string) => void): void {
  const options = ["kv", "scrapeToken", "public", "scrapePath", "source"];
  const wanted = options.filter((option) => option in metrics);
  if (wanted.length === 0 || metricsRoutes() !== undefined) return;
  report(
    `isotel: metrics.${wanted[0]} is given, but this Worker cannot be scraped. Add ` +
      'export { TelemetryAggregator } from "isotel/metrics"; or answer scrapes with metricsResponse',
  );
}

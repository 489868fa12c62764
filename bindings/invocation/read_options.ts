import { errorType } from "../base/cause.ts";
import type { Environment } from "../base/env.ts";
import { shapeOf } from "../base/values.ts";
import { isIntegerIn } from "../metrics/bounds.ts";
import type { FlushPlan } from "../metrics/flusher.ts";
import { readGenAi } from "../metrics/genai_options.ts";
import type { MetricsSetup } from "../metrics/isolate_metrics.ts";
import { aggregatorTransport, queueTransport } from "../metrics/transport.ts";
import type { MetricsBindings } from "../metrics/worker_options.ts";
import type { OtlpOptions } from "../otlp/pipeline/options.ts";
import type { Pipeline } from "../otlp/pipeline/pipeline.ts";
import { metricsRoutes } from "../slots/metrics_routes.ts";
import { otlpInvocations } from "../slots/otlp_invocations.ts";

/** What `withTelemetry` is told about a Worker's bindings. */
export interface TelemetryOptions {
  readonly metrics?: MetricsBindings;
  /** Where spans and log records go besides the runtime; needs `import "isotel/otlp";`. */
  readonly otlp?: OtlpOptions;
}

/** What `withTelemetry` is given as its second argument. */
export type OptionsOf = (env: never) => TelemetryOptions;

/** What the options of one `env` come to. */
export interface WorkerOptions extends MetricsSetup {
  readonly metrics: MetricsBindings | undefined;
  /** Where spans and log records go besides the runtime. */
  readonly otlp: Pipeline | undefined;
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

/** Takes what is said to whoever runs the Worker. */
export type Report = (message: string) => void;

/** In place of options that cannot be read: nothing is recorded, and frames of a queue are retried. */
const unreadable: WorkerOptions = {
  metrics: {},
  plan: undefined,
  genAi: undefined,
  otlp: undefined,
};

/**
 * Reads the options for an `env`, once. Each fault is reported, and the Worker goes on without the option. Never throws.
 */
export function readOptions(
  optionsOf: OptionsOf,
  env: unknown,
  report: Report,
  caller = "withTelemetry",
): WorkerOptions | undefined {
  const missing: string[] = [];
  try {
    const options = optionsOf(watched(env, missing) as never) as TelemetryOptions | undefined;
    const otlp = options?.otlp === undefined ? undefined : pipelineOf(options.otlp, env, report);
    const metrics: unknown = options?.metrics;
    if (metrics !== undefined && (typeof metrics !== "object" || metrics === null)) {
      report(`isotel: metrics is ${shapeOf(metrics)}; it has to be an object with bindings`);
      return { ...unreadable, otlp };
    } else if (metrics !== undefined) {
      return { ...optionsOfMetrics({ ...metrics }, missing, report), otlp };
    }
    return otlp && { metrics: undefined, plan: undefined, genAi: undefined, otlp };
  } catch (cause) {
    const what = errorType(cause);
    report(`isotel: the options of ${caller} cannot be read (${what}); there are no metrics`);
    return unreadable;
  }
}

/** The export of the option `otlp`; undefined when there can be none. */
function pipelineOf(options: OtlpOptions, env: unknown, report: Report): Pipeline | undefined {
  const otlp = otlpInvocations();
  if (otlp === undefined) {
    report('isotel: otlp is given, but this Worker does not carry it. Add import "isotel/otlp";');
    return undefined;
  }
  try {
    return otlp.use(options, { ...(env as Environment | undefined) });
  } catch (cause) {
    report(cause instanceof TypeError ? cause.message : `isotel: otlp: ${errorType(cause)}`);
    return undefined;
  }
}

function optionsOfMetrics(
  given: MetricsBindings,
  missing: readonly string[],
  report: Report,
): Omit<WorkerOptions, "otlp"> {
  const wrong = wrongBindings(given);
  const metrics: MetricsBindings = Object.fromEntries(
    Object.entries(given).filter(([name]) => !wrong.includes(name as BindingName)),
  );
  for (const name of wrong) {
    const asked = missing.length > 0 ? ` (not in env: ${missing.join(", ")})` : "";
    const rule = `it has to be a binding with ${methods[name].join("() and ")}()`;
    report(
      `isotel: metrics.${name} is ${shapeOf(given[name])}${asked}; ${rule}. ` +
        `wrangler.jsonc adds one with ${configuration[name]}`,
    );
  }
  const plan = planOf(metrics, report);
  if (plan === undefined && wrong.length === 0) {
    const name = wantedBinding(metrics);
    report(
      `isotel: nothing that is recorded can be sent: metrics.${name} is missing. ` +
        `wrangler.jsonc adds it with ${configuration[name]}`,
    );
  }
  warnWithoutRoutes(metrics, report);
  return { metrics, plan, genAi: readGenAi(metrics.genAi, report) };
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

/** Those of the bindings that are given and are none. */
function wrongBindings(metrics: MetricsBindings): BindingName[] {
  const names = Object.keys(configuration) as BindingName[];
  return names.filter((name) => name in metrics && !isBinding(metrics[name], methods[name]));
}

function isBinding(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  try {
    const binding = value as Readonly<Record<string, unknown>>;
    return names.every((name) => typeof binding[name] === "function");
  } catch {
    return false;
  }
}

function planOf(metrics: MetricsBindings, report: Report): FlushPlan | undefined {
  const { queue, aggregator } = metrics;
  const intervalMs = intervalOf(metrics.flushIntervalMs, report);
  const wanted = wantedBinding(metrics);
  if (wanted === "queue" && queue !== undefined) {
    return { transport: queueTransport(queue), intervalMs };
  }
  if (wanted === "aggregator" && aggregator !== undefined) {
    const shards = shardsOf(metrics.shards, report);
    return { transport: aggregatorTransport(aggregator, shards), intervalMs };
  }
  return undefined;
}

/** The binding that frames go to, whether it is there or not. */
function wantedBinding({ queue, aggregator, transport }: MetricsBindings): "queue" | "aggregator" {
  if (transport !== undefined) return transport === "aggregator" ? "aggregator" : "queue";
  return queue === undefined && aggregator !== undefined ? "aggregator" : "queue";
}

function intervalOf(value: unknown, report: Report): number {
  if (value === undefined) return defaultIntervalMs;
  const isInterval = typeof value === "number" && value >= minIntervalMs && value <= maxIntervalMs;
  if (isInterval) return value;
  report(
    `isotel: metrics.flushIntervalMs is ${shapeOf(value)}; it has to be a number of milliseconds ` +
      `from ${minIntervalMs} to ${maxIntervalMs}. ${defaultIntervalMs} is used`,
  );
  return defaultIntervalMs;
}

function shardsOf(value: unknown, report: Report): number {
  if (value === undefined) return 1;
  if (isIntegerIn(value as number, 1, maxShards)) return value as number;
  report(
    `isotel: metrics.shards is ${shapeOf(value)}; it has to be an integer from 1 to ${maxShards}. 1 is used`,
  );
  return 1;
}

/** A Worker that wants to be scraped has to carry the code for it. */
function warnWithoutRoutes(metrics: MetricsBindings, report: Report): void {
  const options = ["kv", "scrapeToken", "public", "scrapePath", "source"];
  const wanted = options.filter((option) => option in metrics);
  if (wanted.length === 0 || metricsRoutes() !== undefined) return;
  report(
    `isotel: metrics.${wanted[0]} is given, but this Worker cannot be scraped. Add ` +
      'export { TelemetryAggregator } from "isotel/metrics"; or answer scrapes with metricsResponse',
  );
}

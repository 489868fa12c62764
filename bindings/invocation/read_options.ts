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

/** Options of `withTelemetry`. */
export interface TelemetryOptions {
  /** Where metrics are sent and how they are read. Default: no metrics. */
  readonly metrics?: MetricsBindings;
  /**
   * OTLP backends for spans and log records, in addition to the runtime. Requires `import "isotel/otlp";`. Default:
   * none.
   */
  readonly otlp?: OtlpOptions;
}

/** The second argument of `withTelemetry`: returns the options for an `env`. */
export type OptionsOf = (env: never) => TelemetryOptions;

/** The settings that result from the options for one `env`. */
export interface WorkerOptions extends MetricsSetup {
  readonly metrics: MetricsBindings | undefined;
  /** The export of spans and log records. */
  readonly otlp: Pipeline | undefined;
}

const defaultIntervalMs = 10_000;
const minIntervalMs = 100;
/** The runtime ends work 30 s after the response, and a timer has to fit into that time. */
const maxIntervalMs = 20_000;
/** A scrape reads every shard. */
const maxShards = 256;

/** The lines of wrangler.jsonc that add a binding. */
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

/** Logs a message for the operator of the Worker. */
export type Report = (message: string) => void;

/** Settings for options that cannot be read. Nothing is recorded, and frames in a queue are retried. */
const unreadable: WorkerOptions = {
  metrics: {},
  plan: undefined,
  genAi: undefined,
  otlp: undefined,
};

/**
 * Reads the options for an `env`. Each invalid option is reported and ignored. Never throws.
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
    const type = errorType(cause);
    report(`isotel: the options of ${caller} cannot be read (${type}); metrics are off`);
    return unreadable;
  }
}

/** Returns the export for the option `otlp`, or undefined if it cannot be set up. */
function pipelineOf(options: OtlpOptions, env: unknown, report: Report): Pipeline | undefined {
  const otlp = otlpInvocations();
  if (otlp === undefined) {
    report('isotel: otlp is set, but this Worker does not import it. Add import "isotel/otlp";');
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
  options: MetricsBindings,
  missing: readonly string[],
  report: Report,
): Omit<WorkerOptions, "otlp"> {
  const wrong = wrongBindings(options);
  const metrics: MetricsBindings = Object.fromEntries(
    Object.entries(options).filter(([name]) => !wrong.includes(name as BindingName)),
  );
  for (const name of wrong) {
    const notInEnv = missing.length > 0 ? ` (not in env: ${missing.join(", ")})` : "";
    const rule = `it has to be a binding with ${methods[name].join("() and ")}()`;
    report(
      `isotel: metrics.${name} is ${shapeOf(options[name])}${notInEnv}; ${rule}. ` +
        `Add it to wrangler.jsonc: ${configuration[name]}`,
    );
  }
  const plan = planOf(metrics, report);
  if (plan === undefined && wrong.length === 0) {
    const name = wantedBinding(metrics);
    report(
      `isotel: metrics cannot be sent: metrics.${name} is missing. ` +
        `Add it to wrangler.jsonc: ${configuration[name]}`,
    );
  }
  warnWithoutRoutes(metrics, report);
  return { metrics, plan, genAi: readGenAi(metrics.genAi, report) };
}

/** Returns a proxy for an `env` that adds the names of absent bindings to `missing` when they are read. */
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

/** Returns the names of bindings whose values are not bindings. */
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

/** Returns the name of the binding for frames, even if the binding is missing. */
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

/** Reports options for scrapes if the Worker does not carry the code that answers them. */
function warnWithoutRoutes(metrics: MetricsBindings, report: Report): void {
  const options = ["kv", "scrapeToken", "public", "scrapePath", "source"];
  const wanted = options.filter((option) => option in metrics);
  if (wanted.length === 0 || metricsRoutes() !== undefined) return;
  report(
    `isotel: metrics.${wanted[0]} is set, but this Worker cannot be scraped. Add ` +
      'export { TelemetryAggregator } from "isotel/metrics"; or answer scrapes with metricsResponse',
  );
}

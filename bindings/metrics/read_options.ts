import { type OptionNames, reportUnknownOption } from "../base/options.ts";
import { shapeOf } from "../base/values.ts";
import { readConstantLabels } from "./constant_labels.ts";
import type { FlushPlan } from "./flusher.ts";
import { readGenAi, readMaxLabelValues } from "./genai_options.ts";
import type { MetricsSetup } from "./isolate_metrics.ts";
import { isShardCount, maxShards } from "./shards.ts";
import { aggregatorTransport, queueTransport } from "./transport.ts";
import type { MetricsBindings, Report } from "./worker_options.ts";

const defaultIntervalMs = 10_000;
const minIntervalMs = 100;
/** The runtime ends work 30 s after the response, and a timer has to fit into that time. */
const maxIntervalMs = 20_000;

/** `measuresAgain` is an option of a collector. */
const optionNames: OptionNames<MetricsBindings & { measuresAgain: true }> = {
  queue: true,
  aggregator: true,
  kv: true,
  scrapeToken: true,
  adminToken: true,
  public: true,
  scrapePath: true,
  scheme: true,
  cors: true,
  source: true,
  shards: true,
  record: true,
  transport: true,
  flushIntervalMs: true,
  queueName: true,
  route: true,
  constantLabels: true,
  maxLabelValues: true,
  genAi: true,
  measuresAgain: true,
};

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

const kinds: Readonly<Record<BindingName, string>> = {
  queue: "a queue",
  aggregator: "a Durable Object namespace",
  kv: "a KV namespace",
};

/** Returns the kind of a binding, or the shape of another value. */
function kindOf(value: unknown): string {
  const names = Object.keys(kinds) as BindingName[];
  const kind = names.find((name) => isBinding(value, methods[name]));
  return kind === undefined ? shapeOf(value) : kinds[kind];
}

function wayOut(name: BindingName): string {
  return `Run npx isotel init, or add it to wrangler.jsonc: ${configuration[name]}`;
}

/**
 * Reads the option `metrics`. Each invalid option is reported and ignored.
 *
 * @param missing names of bindings that the options read and `env` does not have.
 */
export function readMetricsBindings(
  options: MetricsBindings,
  missing: readonly string[],
  report: Report,
): MetricsSetup & { readonly metrics: MetricsBindings } {
  reportUnknownOption("isotel: metrics", options, optionNames);
  const wrong = wrongBindings(options);
  const metrics: MetricsBindings = Object.fromEntries(
    Object.entries(options).filter(([name]) => !wrong.includes(name as BindingName)),
  );
  for (const name of wrong) {
    const value: unknown = options[name];
    const isMissing = value === undefined && missing.length > 0;
    const notInEnv = isMissing ? ` (not in env: ${missing.join(", ")})` : "";
    report(
      `isotel: metrics.${name} is ${kindOf(value)}${notInEnv}; it has to be ${kinds[name]}, a ` +
        `binding with ${methods[name].join("() and ")}(). ${wayOut(name)}`,
    );
  }
  if (!records(metrics.record, report)) return { metrics, plan: undefined, genAi: undefined };
  const plan = planOf(metrics, report);
  if (plan === undefined && wrong.length === 0) {
    const name = wantedBinding(metrics);
    report(`isotel: metrics cannot be sent: metrics.${name} is missing. ${wayOut(name)}`);
  }
  const maxLabelValues = readMaxLabelValues(metrics.maxLabelValues, report);
  return {
    metrics,
    plan,
    maxLabelValues,
    genAi: readGenAi(metrics.genAi, report, maxLabelValues),
    constantLabels: readConstantLabels(metrics.constantLabels, report),
  };
}

function records(value: unknown, report: Report): boolean {
  if (value === undefined || typeof value === "boolean") return value !== false;
  report(`isotel: metrics.record is ${shapeOf(value)}; it has to be true or false. true is used`);
  return true;
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
    // Also 1 in a Worker that only sends, whatever the number of the Worker that consumes the queue: that one may change
    // while a frame is in flight.
    const shards = shardsOf(metrics.shards, report);
    return { transport: queueTransport(queue), intervalMs, shards };
  }
  if (wanted === "aggregator" && aggregator !== undefined) {
    const shards = shardsOf(metrics.shards, report);
    return { transport: aggregatorTransport(aggregator, shards), intervalMs, shards };
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
  if (isShardCount(value)) return value;
  report(
    `isotel: metrics.shards is ${shapeOf(value)}; it has to be an integer from 1 to ${maxShards}. 1 is used`,
  );
  return 1;
}

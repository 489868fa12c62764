import type { Environment } from "../base/env.ts";
import type { BackendName, BackendOptions, Destination } from "../otlp/backends/backend.ts";
import { resolveBackend } from "../otlp/backends/resolve_backend.ts";
import { resourceOf } from "../otlp/backends/resource.ts";
import { Settings } from "../otlp/backends/settings.ts";
import type { MetricsExportOptions } from "../slots/metrics_export.ts";
import type { Attributes } from "../trace/span_runtime.ts";

/** One backend that metrics go to. */
export interface TargetPlan {
  readonly backend: BackendName;
  /** The same for the same backend in any deployment, and without any secret. */
  readonly key: string;
  readonly destination: Destination;
  readonly temporality: "cumulative" | "delta";
}

/** Options that have been found good. */
export interface MetricsPlan {
  readonly targets: readonly TargetPlan[];
  readonly resource: Attributes;
  readonly intervalMs: number;
}

const defaultIntervalMs = 60_000;
const leastIntervalMs = 1_000;
const greatestIntervalMs = 3_600_000;

/**
 * Reads options, and variables where they are silent. A backend whose `signals` are others is left out; one that takes no
 * metrics is an error.
 *
 * @throws TypeError that names every option and variable that is wrong or missing, and none of their values.
 */
export function readMetricsOptions(options: MetricsExportOptions, env: Environment): MetricsPlan {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      'isotel: the export of metrics needs options such as { backend: "grafana" }',
    );
  }
  const settings = new Settings(options, env);
  const resource = resourceOf(settings);
  const intervalMs = settings.integer(
    "intervalMs",
    options.intervalMs,
    leastIntervalMs,
    greatestIntervalMs,
    defaultIntervalMs,
  );
  const backends = backendsOf(options).filter(takesMetrics);
  if (backends.length === 0) settings.refuse("no backend is given that takes metrics");
  const messages = settings.problems.map((problem) => `isotel: ${problem}`);
  const targets: TargetPlan[] = [];
  for (const backend of backends) {
    try {
      targets.push(targetOf(backend, env));
    } catch (cause) {
      messages.push((cause as Error).message);
    }
  }
  if (new Set(targets.map(({ key }) => key)).size < targets.length) {
    messages.push("isotel: backends has the same one twice, and metrics would be counted twice");
  }
  if (messages.length > 0) throw new TypeError(messages.join("\n"));
  return { targets, resource, intervalMs };
}

function backendsOf(options: MetricsExportOptions): readonly BackendOptions[] {
  if (!("backends" in options)) return [options];
  const { backends } = options;
  return Array.isArray(backends) ? (backends as readonly BackendOptions[]) : [];
}

/** What is no list of signals is refused where it is read. */
function takesMetrics(options: BackendOptions): boolean {
  const signals: unknown = options?.signals;
  return !Array.isArray(signals) || signals.includes("metrics");
}

function targetOf(options: BackendOptions, env: Environment): TargetPlan {
  const signals = Array.isArray(options?.signals) ? options.signals : (["metrics"] as const);
  const { name, destinations, temporality } = resolveBackend({ ...options, signals }, env);
  const destination = destinations.metrics as Destination;
  // An address may hold a key behind the question mark.
  const { origin, pathname } = new URL(destination.url);
  return {
    backend: name,
    key: `${name} ${origin}${pathname} ${temporality}`,
    destination,
    temporality,
  };
}

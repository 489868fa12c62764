import type { Environment } from "../base/env.ts";
import { type OptionNames, reportUnknownOption } from "../base/options.ts";
import {
  type BackendName,
  type BackendOptions,
  backendOptionNames,
  type Destination,
} from "../otlp/backends/backend.ts";
import { resolveBackend } from "../otlp/backends/resolve_backend.ts";
import { resourceOf, resourceOptionNames } from "../otlp/backends/resource.ts";
import { isSdkDisabled, Settings } from "../otlp/backends/settings.ts";
import { exporterOf } from "../otlp/pipeline/options.ts";
import type { MetricsExportOptions } from "../slots/metrics_export.ts";
import type { Attributes } from "../trace/span_runtime.ts";

/** One backend that receives metrics. */
export interface TargetPlan {
  readonly backend: BackendName;
  /** Identifies the backend across deployments. Contains no secret. */
  readonly key: string;
  readonly destination: Destination;
  readonly temporality: "cumulative" | "delta";
}

/** Validated options. */
export interface MetricsPlan {
  readonly targets: readonly TargetPlan[];
  readonly resource: Attributes;
  readonly intervalMs: number;
}

const defaultIntervalMs = 60_000;
const optionNames: OptionNames<
  { backends: true; intervalMs: true } & typeof resourceOptionNames & typeof backendOptionNames
> = { ...resourceOptionNames, ...backendOptionNames, backends: true, intervalMs: true };
const leastIntervalMs = 1_000;
const greatestIntervalMs = 3_600_000;

/**
 * Validates options. Variables supply the options that are not set. Skips a backend whose `signals` do not include
 * metrics. A backend that accepts no metrics is an error.
 *
 * @throws TypeError if options or variables are missing or invalid. The error names each of them and quotes no strings.
 */
export function readMetricsOptions(options: MetricsExportOptions, env: Environment): MetricsPlan {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      'isotel: the export of metrics needs options such as { backend: "grafana" }',
    );
  }
  reportUnknownOption("isotel: otlp", options, optionNames);
  const settings = new Settings(options, env);
  const resource = resourceOf(settings);
  const intervalMs = settings.integer(
    "intervalMs",
    options.intervalMs,
    leastIntervalMs,
    greatestIntervalMs,
    defaultIntervalMs,
  );
  const isDisabled = isSdkDisabled(env);
  const backends = isDisabled ? [] : backendsOf(options).filter(takesMetrics);
  if (backends.length === 0 && !isDisabled)
    settings.refuse("no backend is given that takes metrics");
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
    messages.push(
      "isotel: backends contains one backend twice, which would count its metrics twice; remove one",
    );
  }
  if (messages.length > 0) throw new TypeError(messages.join("\n"));
  return { targets, resource, intervalMs };
}

function backendsOf(options: MetricsExportOptions): readonly BackendOptions[] {
  if (!("backends" in options)) return [options as BackendOptions];
  const { backends } = options;
  return Array.isArray(backends) ? (backends as readonly BackendOptions[]) : [];
}

/** An invalid list of signals is refused by {@link resolveBackend}. Backends in the isolate take no metrics. */
function takesMetrics(options: BackendOptions): boolean {
  if (exporterOf(options) !== undefined) return false;
  const signals: unknown = options?.signals;
  return !Array.isArray(signals) || signals.includes("metrics");
}

function targetOf(options: BackendOptions, env: Environment): TargetPlan {
  const signals = Array.isArray(options?.signals) ? options.signals : (["metrics"] as const);
  const { name, destinations, temporality } = resolveBackend({ ...options, signals }, env);
  const destination = destinations.metrics as Destination;
  // The query of a URL may contain a key.
  const { origin, pathname } = new URL(destination.url);
  return {
    backend: name,
    key: `${name} ${origin}${pathname} ${temporality}`,
    destination,
    temporality,
  };
}

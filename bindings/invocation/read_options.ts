import { errorType } from "../base/cause.ts";
import type { Environment } from "../base/env.ts";
import { type OptionNames, reportUnknownOption } from "../base/options.ts";
import { shapeOf } from "../base/values.ts";
import type { MetricsSetup } from "../metrics/isolate_metrics.ts";
import type { MetricsBindings, Report } from "../metrics/worker_options.ts";
import type { OtlpOptions } from "../otlp/pipeline/options.ts";
import type { Pipeline } from "../otlp/pipeline/pipeline.ts";
import { metricsRecording } from "../slots/metrics_recording.ts";
import { metricsRoutes } from "../slots/metrics_routes.ts";
import { otlpInvocations } from "../slots/otlp_invocations.ts";

/** Options of `withTelemetry`. */
export interface TelemetryOptions {
  /** Where metrics are sent and how they are read. Requires `import "isotel/metrics";`. Default: no metrics. */
  readonly metrics?: MetricsBindings;
  /**
   * OTLP backends for spans and log records, in addition to the runtime. Requires `import "isotel/otlp";`. Default:
   * none.
   */
  readonly otlp?: OtlpOptions;
}

const optionNames: OptionNames<TelemetryOptions> = { metrics: true, otlp: true };

/** The second argument of `withTelemetry`: returns the options for an `env`. */
export type OptionsOf = (env: never) => TelemetryOptions;

/** The settings that result from the options for one `env`. */
export interface WorkerOptions extends MetricsSetup {
  readonly metrics: MetricsBindings | undefined;
  /** The export of spans and log records. */
  readonly otlp: Pipeline | undefined;
}

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
    reportUnknownOption("isotel", options, optionNames);
    const otlp = options?.otlp === undefined ? undefined : pipelineOf(options.otlp, env, report);
    const metrics: unknown = options?.metrics;
    if (metrics !== undefined && (typeof metrics !== "object" || metrics === null)) {
      report(`isotel: metrics is ${shapeOf(metrics)}; it has to be an object with bindings`);
      return { ...unreadable, otlp };
    } else if (metrics !== undefined) {
      return { ...readMetrics({ ...metrics }, missing, report), otlp };
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

function readMetrics(
  options: MetricsBindings,
  missing: readonly string[],
  report: Report,
): Omit<WorkerOptions, "otlp"> {
  const recording = metricsRecording();
  if (recording !== undefined) {
    const setup = recording.read(options, missing, report);
    warnWithoutRoutes(setup.metrics, report);
    return setup;
  }
  warnWithoutRecording(options, report);
  return { metrics: options, plan: undefined, genAi: undefined };
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

/** Reports options for scrapes if the Worker does not carry the code that answers them. */
function warnWithoutRoutes(metrics: MetricsBindings, report: Report): void {
  const options = ["kv", "scrapeToken", "public", "scrapePath", "source"];
  const wanted = options.filter((option) => option in metrics);
  if (wanted.length === 0 || metricsRoutes() !== undefined) return;
  report(
    `isotel: metrics.${wanted[0]} is set, but this Worker cannot be scraped. Add ` +
      'export { TelemetryAggregator } from "isotel/aggregator"; or answer scrapes with metricsResponse',
  );
}

/** Reports options for metrics if the Worker does not carry the code that records them. */
function warnWithoutRecording(metrics: MetricsBindings, report: Report): void {
  if (metrics.record === false) return;
  report(
    "isotel: metrics are set, but this Worker records none. " +
      'Add import "isotel/metrics"; or set metrics.record to false if it only serves the metrics of others',
  );
}

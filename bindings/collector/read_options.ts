import { errorType } from "../base/cause.ts";
import type { Environment } from "../base/env.ts";
import { type OptionNames, reportUnknownOption } from "../base/options.ts";
import { shapeOf } from "../base/values.ts";
import {
  readOptions as readWorkerOptions,
  type WorkerOptions,
} from "../invocation/read_options.ts";
import type { MetricsBindings, Report } from "../metrics/worker_options.ts";
import { encodeLogsByResource, encodeTracesByResource } from "../otlp/core/encode_by_resource.ts";
import { ownScope } from "../otlp/core/model.ts";
import { makePipeline, type PipelineEnvironment } from "../otlp/pipeline/make_pipeline.ts";
import type { OtlpOptions } from "../otlp/pipeline/options.ts";
import type { Pipeline } from "../otlp/pipeline/pipeline.ts";
import { type ExportPlan, readExportOptions } from "../otlp/pipeline/read_export_options.ts";
import type { CollectedSpan } from "./spans/collected_span.ts";
import { limits } from "./spans/counts.ts";
import type { CollectedLog } from "./spans/log_record.ts";
import type { Redact } from "./spans/redaction.ts";

const defaultFlushDelayMs = 1_000;
/** The timer must fire within the 30 s that the runtime allows after an invocation. */
const maxFlushDelayMs = 20_000;

const optionNames: OptionNames<CollectorOptions> = {
  otlp: true,
  metrics: true,
  redact: true,
  exclude: true,
  flushDelayMs: true,
};

/** The valid options of one `env`. */
export interface CollectorPlan {
  readonly options: CollectorOptions;
  readonly pipeline: Pipeline | undefined;
  readonly resource: ExportPlan["resource"];
  readonly metrics: WorkerOptions | undefined;
  readonly exclude: ReadonlySet<string>;
  readonly flushDelayMs: number;
}

/**
 * Reads the options for an `env`. Reports each invalid option and continues without it. Never throws.
 *
 * @param optionsOf The user's function.
 */
export function readCollectorOptions(
  optionsOf: (env: never) => CollectorOptions,
  env: unknown,
  environment: PipelineEnvironment,
  report: Report,
): CollectorPlan {
  let options: CollectorOptions | undefined;
  const callOptions = (current: unknown): { metrics?: CollectorOptions["metrics"] } => {
    const answer: unknown = optionsOf(current as never);
    if (typeof answer === "object" && answer !== null) options = { ...answer };
    else
      report(
        `isotel: the options of collector are ${shapeOf(answer)}; they have to be an object ` +
          `such as { otlp: { backend: "honeycomb" } }`,
      );
    return options?.metrics === undefined ? {} : { metrics: options.metrics };
  };
  const metrics = readWorkerOptions(callOptions as never, env, report, "collector");
  reportUnknownOption("isotel: collector", options, optionNames);
  const plan = options && planOf(options, env, report);
  return {
    options: options ?? {},
    pipeline: plan && pipelineOf(plan, environment),
    resource: plan?.resource ?? { "service.name": "unknown_service" },
    metrics,
    exclude: excludedOf(options?.exclude, report),
    flushDelayMs: delayOf(options?.flushDelayMs, report),
  };
}

function planOf(
  { otlp, metrics, redact }: CollectorOptions,
  env: unknown,
  report: Report,
): ExportPlan | undefined {
  if (redact !== undefined && typeof redact !== "function") {
    // Without redaction, nothing may be exported.
    report(`isotel: redact is ${shapeOf(redact)}; it has to be a function. Nothing is exported`);
    return undefined;
  }
  if (otlp === undefined) {
    if (metrics === undefined) {
      report('isotel: collector has nothing to do: set otlp, such as { backend: "honeycomb" }');
    }
    return undefined;
  }
  try {
    return readExportOptions(otlp as OtlpOptions, { ...(env as Environment | undefined) });
  } catch (cause) {
    report(cause instanceof TypeError ? cause.message : `isotel: otlp: ${errorType(cause)}`);
    return undefined;
  }
}

function pipelineOf(plan: ExportPlan, environment: PipelineEnvironment): Pipeline {
  return makePipeline(plan, environment, {
    encodeSpans: (spans, format, destination) =>
      encodeTracesByResource(spans as readonly CollectedSpan[], ownScope, format, destination),
    encodeLogs: (records, format) =>
      encodeLogsByResource(records as readonly CollectedLog[], ownScope, format),
    maxQueued: limits.queuedItems,
  });
}

function excludedOf(value: unknown, report: Report): ReadonlySet<string> {
  if (value === undefined) return new Set();
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) {
    return new Set(value as string[]);
  }
  report(`isotel: exclude is ${shapeOf(value)}; it has to be a list of service names`);
  return new Set();
}

function delayOf(value: unknown, report: Report): number {
  if (value === undefined) return defaultFlushDelayMs;
  if (typeof value === "number" && value >= 0 && value <= maxFlushDelayMs) return value;
  report(
    `isotel: flushDelayMs is ${shapeOf(value)}; it has to be a number of milliseconds from 0 to ` +
      `${maxFlushDelayMs}. ${defaultFlushDelayMs} is used`,
  );
  return defaultFlushDelayMs;
}

/** Configures the metrics of a collector. */
export interface CollectorMetrics extends MetricsBindings {
  /**
   * Also measures requests and GenAI calls of Workers that record their own metrics with the option `metrics` of
   * `withTelemetry`. Each such call is then counted twice. Default: false.
   */
  readonly measuresAgain?: boolean;
}

/** Options of a collector. */
export interface CollectorOptions {
  /**
   * The export of spans and log records. `service.name` is the name of each Worker. `serviceName` is used for a Worker
   * without a name.
   */
  readonly otlp?: OtlpOptions;
  /** How metrics are sent and scraped. Requires `import "isotel/metrics";`. */
  readonly metrics?: CollectorMetrics;
  /**
   * Returns the replacement for a text before it is exported: attributes, log lines and error messages. If it returns
   * undefined, the text is left out. If it throws or returns another value, the text is left out and counted.
   */
  readonly redact?: Redact;
  /** Names of services to ignore. Default: none. */
  readonly exclude?: readonly string[];
  /** Milliseconds from the end of an invocation to the request with its spans, 0 to 20,000. Default: 1,000. */
  readonly flushDelayMs?: number;
}

import { nativeWaitUntil } from "#workers";
import { PerEnv } from "../base/env.ts";
import { reportOnce } from "../base/report_once.ts";
import type { WaitUntil } from "../base/time.ts";
import { systemClock } from "../base/time.ts";
import type { WorkerMetrics } from "../metrics/isolate_metrics.ts";
import { isTelemetryQueue } from "../metrics/telemetry_queue.ts";
import type { MetricsBindings } from "../metrics/worker_options.ts";
import { systemEnvironment } from "../otlp/pipeline/make_pipeline.ts";
import type { Pipeline } from "../otlp/pipeline/pipeline.ts";
import { metricsRecording } from "../slots/metrics_recording.ts";
import { metricsRoutes } from "../slots/metrics_routes.ts";
import { workersRuntime, workersTelemetry } from "../trace/workers_telemetry.ts";
import { Collecting, type TakeEvent } from "./collecting.ts";
import { collectorMetrics } from "./metrics/self_metrics.ts";
import { SpanMetrics } from "./metrics/span_metrics.ts";
import { OwnInvocations } from "./own_invocations.ts";
import type { CollectorOptions } from "./read_options.ts";
import { type CollectorPlan, readCollectorOptions } from "./read_options.ts";
import { CollectorCounts } from "./spans/counts.ts";

type Onset = TailStream.TailEvent<TailStream.Onset>;
type OptionsOf = (env: never) => CollectorOptions;

/** The queue of Workers that record their own metrics, as in the examples. Its batches are telemetry. */
const telemetryQueue = "isotel-telemetry";
const aggregatorEntrypoint = "TelemetryAggregator";

/** The collector that was configured for one `env`. */
interface Configured {
  readonly collecting: Collecting;
  readonly metrics: MetricsBindings | undefined;
  readonly flusher: WorkerMetrics["flusher"] | undefined;
}

const counts = new CollectorCounts();
const own = new OwnInvocations(workersRuntime);
const pipelines = new Set<Pipeline>();

let isCounted = false;

/** Adds the counts to the diagnostics and the metrics of this isolate. */
function countOnce(): void {
  if (isCounted) return;
  isCounted = true;
  metricsRecording()?.addSelfMetrics(collectorMetrics);
  workersTelemetry.addCounterSource(() => {
    const sums: Record<string, number> = {};
    for (const [name, count] of Object.entries(counts)) sums[`collector_${name}`] = count as number;
    for (const pipeline of pipelines) {
      for (const [name, count] of Object.entries(pipeline.diagnostics())) {
        sums[name] = (sums[name] ?? 0) + count;
      }
    }
    return sums;
  });
}

/** A Worker that collects the telemetry of other Workers. */
export class CollectingWorker {
  readonly #configured: PerEnv<Configured>;

  constructor(optionsOf: OptionsOf) {
    this.#configured = new PerEnv((env) => configure(optionsOf, env));
  }

  /** Begins to follow an invocation. Never throws. */
  tailStream(onset: Onset, env: unknown, ctx: unknown): TakeEvent | undefined {
    return this.#configured.of(env).collecting.begin(onset, waitUntilOf(ctx));
  }

  fetch(request: Request, env: unknown, ctx: ExecutionContext): Response | Promise<Response> {
    const { metrics, flusher } = this.#configured.of(env);
    const scrape = metrics && metricsRoutes()?.scrape(request, metrics, ctx);
    if (flusher !== undefined) endInvocation(flusher, waitUntilOf(ctx));
    return scrape ?? new Response("There is nothing here.\n", { status: 404 });
  }

  /** Consumes telemetry. Rejects if the batch has other messages; the runtime then delivers them again. */
  async queue(batch: MessageBatch, env: unknown, ctx: ExecutionContext): Promise<void> {
    const { metrics, flusher } = this.#configured.of(env);
    const telemetry = metrics && metricsRoutes()?.consume(batch, metrics);
    if (flusher !== undefined) endInvocation(flusher, waitUntilOf(ctx));
    await telemetry?.consumed;
    if (telemetry !== undefined && telemetry.rest === undefined) return;
    throw new Error(
      "isotel: the batch has messages that are not telemetry, or this Worker does not add metrics up: " +
        'export { TelemetryAggregator } from "isotel/aggregator";',
    );
  }
}

function configure(optionsOf: OptionsOf, env: unknown): Configured {
  countOnce();
  const environment = systemEnvironment(systemClock, nativeWaitUntil);
  const plan = readCollectorOptions(optionsOf, env, environment, reportOnce);
  const { options, pipeline, resource, flushDelayMs } = plan;
  if (pipeline !== undefined) pipelines.add(pipeline);
  const metrics = metricsRecording()?.use(plan.metrics);
  const collecting = new Collecting({
    clock: systemClock,
    pipeline,
    resource,
    metrics:
      metrics &&
      new SpanMetrics(metrics, workersTelemetry.host, {
        measuresAgain: options.metrics?.measuresAgain === true,
      }),
    redact: options.redact,
    route: options.metrics?.route ?? options.otlp?.route,
    ignores: ignoring(plan),
    flushDelayMs,
    onOutcome: metrics && ((waitUntil) => endInvocation(metrics.flusher, waitUntil)),
    counts,
  });
  return { collecting, metrics: plan.metrics?.metrics, flusher: metrics?.flusher };
}

/** Returns the filter that ignores excluded services, this Worker, and invocations that transport metrics. */
function ignoring({ exclude, metrics }: CollectorPlan): (onset: Onset) => boolean {
  const queues = [telemetryQueue, metrics?.metrics?.queueName ?? telemetryQueue];
  return (onset) => {
    const { scriptName, entrypoint, info } = onset.event;
    if (own.has(onset) || entrypoint === aggregatorEntrypoint) return true;
    if (scriptName !== undefined && exclude.has(scriptName)) return true;
    return info?.type === "queue" && queues.some((name) => isTelemetryQueue(info.queueName, name));
  };
}

function endInvocation(flusher: WorkerMetrics["flusher"], waitUntil: WaitUntil | undefined): void {
  try {
    // A collector serves no user, so its invocations may wait.
    flusher.endInvocation({ waitUntil, waits: "always" });
  } catch (cause) {
    // The recorded metrics stay in memory. The next invocation sends them.
    reportOnce(
      "isotel: an invocation could not send its metrics; the next invocation sends them.",
      cause,
    );
  }
}

function waitUntilOf(ctx: unknown): WaitUntil | undefined {
  const context = ctx as Partial<ExecutionContext> | undefined | null;
  if (typeof context?.waitUntil !== "function") return undefined;
  return (work) => (context as ExecutionContext).waitUntil(work);
}

import { nativeExports, nativeWaitUntil } from "#workers";
import { outsideSpans } from "../base/outside_spans.ts";
import { print, reportOnce } from "../base/report_once.ts";
import { shared } from "../base/shared.ts";
import { sleep, systemClock } from "../base/time.ts";
import { flushMethod, hasFlushMethod } from "../trace/flush_method.ts";
import { currentScope } from "../trace/invocation_scope.ts";
import { workersTelemetry } from "../trace/workers_telemetry.ts";
import { GenAiMetrics, HttpServerMetrics, InvocationMetrics } from "./built_in.ts";
import type { ConstantLabels } from "./constant_labels.ts";
import { Flusher, type FlushPlan } from "./flusher.ts";
import type { SpanMeasures } from "./genai_options.ts";
import { Meter } from "./meter.ts";
import { SelfMetrics } from "./self_metrics.ts";

/** Returns the meter of this isolate. It records in the core that also has the isolate's spans. */
export function workersMeter(): Meter {
  return shared(
    "meter",
    () =>
      new Meter(workersTelemetry.host, {
        clock: systemClock,
        random: (bytes) => void crypto.getRandomValues(bytes),
        warn: (message) => print("warn", message),
      }),
  );
}

/** The metrics of a Worker besides those it defines. */
export interface WorkerMetrics {
  readonly meter: Meter;
  /** Sends the metrics of this isolate. */
  readonly flusher: Flusher;
  readonly http: HttpServerMetrics;
  readonly invocations: InvocationMetrics;
  readonly genAi: GenAiMetrics;
}

type FlushStub = { [flushMethod](token: string): Promise<unknown> };

/** Calls the method that `withTelemetry` adds to the default export. Throws if it is known to have none. */
function startInvocation(token: string): Promise<unknown> {
  const worker = hasFlushMethod() ? (nativeExports?.["default"] as FlushStub) : undefined;
  if (worker === undefined) throw new TypeError(`isotel: there is no ${flushMethod}`);
  return worker[flushMethod](token);
}

let workerMetrics: WorkerMetrics | undefined;

/** Returns the metrics of this isolate, created at the first call. */
function workersMetrics(): WorkerMetrics {
  if (workerMetrics === undefined) {
    const meter = workersMeter();
    const selfMetrics = new SelfMetrics(meter, () => workersTelemetry.diagnostics());
    const flusher = new Flusher(meter, selfMetrics, {
      waitUntil: nativeWaitUntil,
      sleep,
      startInvocation: nativeExports && startInvocation,
      outsideSpans,
    });
    workerMetrics = {
      meter,
      flusher,
      http: new HttpServerMetrics(meter),
      invocations: new InvocationMetrics(meter),
      genAi: new GenAiMetrics(meter),
    };
  }
  return workerMetrics;
}

/** The settings of a Worker's metrics. */
export interface MetricsSetup {
  /** How frames are sent. Undefined if the binding for it is missing. */
  readonly plan: FlushPlan | undefined;
  /** How AI SDK calls are measured. Undefined if they are not. */
  readonly genAi: SpanMeasures | undefined;
  readonly constantLabels?: ConstantLabels | undefined;
  /** Limit of distinct values of a label of the built-in metrics. */
  readonly maxLabelValues?: number | undefined;
}

/** Sets up and returns the metrics of this isolate. Returns undefined if they cannot be sent. Never throws. */
export function usedMetrics(setup: MetricsSetup | undefined): WorkerMetrics | undefined {
  if (setup?.plan === undefined) return undefined;
  try {
    const metrics = workersMetrics();
    if (setup.maxLabelValues !== undefined) metrics.meter.labelValues.max = setup.maxLabelValues;
    metrics.meter.useConstantLabels(setup.constantLabels);
    metrics.flusher.use(setup.plan);
    metrics.genAi.use(setup.genAi);
    return metrics;
  } catch (cause) {
    reportOnce("isotel: metrics could not be set up; this isolate records none.", cause);
    return undefined;
  }
}

export function noteTransport(): void {
  const scope = currentScope();
  if (scope !== undefined) scope.isTransport = true;
}

/** Returns the meter if this isolate records metrics of AI calls. */
export function genAiMeter(): Meter | undefined {
  return workerMetrics?.genAi.isUsed === true ? workerMetrics.meter : undefined;
}

/** Sends the recorded metrics of this isolate. Resolves to whether none waits any more. */
export async function flushMetrics(): Promise<boolean> {
  return workerMetrics === undefined ? !workersMeter().isDirty : workerMetrics.flusher.flush();
}

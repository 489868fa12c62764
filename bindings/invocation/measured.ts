import { errorType, type Outcome } from "../base/cause.ts";
import { PerEnv } from "../base/env.ts";
import { reportOnce } from "../base/report_once.ts";
import type { WorkerMetrics } from "../metrics/isolate_metrics.ts";
import type { MetricsBindings } from "../metrics/worker_options.ts";
import type { Pipeline } from "../otlp/pipeline/pipeline.ts";
import { metricsRecording } from "../slots/metrics_recording.ts";
import { metricsRoutes } from "../slots/metrics_routes.ts";
import { otlpInvocations } from "../slots/otlp_invocations.ts";
import { type Call, handlerTypeOf } from "../trace/call.ts";
import {
  currentScope,
  Recorded,
  recordedHere,
  runInInvocationScope,
} from "../trace/invocation_scope.ts";
import { invocationMark } from "../trace/measured_mark.ts";
import { workersRuntime } from "../trace/workers_telemetry.ts";
import { openedCall } from "./opened_call.ts";
import { type OptionsOf, readOptions, type WorkerOptions } from "./read_options.ts";
import { unwatchedWaitUntil } from "./wait_until.ts";

/** Runs a body as an invocation. The invocation is exported if the Worker sets up an export. */
export function runInvocation<T>(call: Call, ctx: unknown, body: () => T): T {
  return runInInvocationScope(call.args[0], exported(call, ctx, undefined, body));
}

/** Returns a body that runs as an exported invocation, or `body` itself if there is no export. */
export function exported<T>(
  call: Call,
  ctx: unknown,
  pipeline: Pipeline | undefined,
  body: () => T,
): () => T {
  const otlp = otlpInvocations();
  if (otlp === undefined) return body;
  const invocation = { ...call, waitUntil: unwatchedWaitUntil(ctx) };
  return () => otlp.run(invocation, pipeline, body);
}

const { prototype } = Promise;

/** Runs the invocations of one Worker or class and sends their metrics. */
export class MeasuredInvocations {
  readonly #options: PerEnv<WorkerOptions | undefined>;

  constructor(optionsOf: OptionsOf) {
    this.#options = new PerEnv((env) =>
      guarded("the options of withTelemetry", () => readOptions(optionsOf, env, reportOnce)),
    );
  }

  /**
   * Runs a handler of a Worker as an invocation. Scrapes, and messages of a batch that are telemetry, are handled here
   * and do not reach the handler.
   *
   * @param args the handler's arguments.
   * @param body calls the handler. Undefined if the Worker has no such handler. Messages that are not telemetry then
   * make this method throw, and the runtime delivers them again.
   */
  handler(
    name: string,
    args: readonly unknown[],
    body: ((args: readonly unknown[]) => unknown) | undefined,
  ): unknown {
    const [event, env, ctx] = args;
    const metrics = this.#options.of(env)?.metrics;
    const routes = metricsRoutes();
    if (name === "fetch" && routes !== undefined && metrics !== undefined) {
      const scrape = guarded("a scrape", () =>
        routes.scrape(event as Request, metrics, ctx as ExecutionContext),
      );
      if (scrape !== undefined) return this.run(env, ctx, () => scrape);
    }
    const telemetry =
      name === "queue" && routes !== undefined && metrics !== undefined
        ? guarded("a batch of the telemetry queue", () =>
            routes.consume(event as MessageBatch, metrics),
          )
        : undefined;
    const consumed = telemetry?.consumed;
    const rest = telemetry === undefined ? event : telemetry.rest;
    if (consumed !== undefined && rest === undefined) return this.run(env, ctx, () => consumed);
    const call = openedCall({ handler: name, args: [rest, ...args.slice(1)] });
    const own = () => {
      if (body !== undefined) return body(call.args);
      throw new Error(`isotel: the Worker has no ${name} handler`);
    };
    const both = consumed === undefined ? own : () => withConsumed(consumed, own);
    return this.run(env, ctx, both, call);
  }

  /**
   * Waits for the next flush of metrics, in an invocation that exists for nothing else.
   *
   * @param token the token of the isolate that started the invocation.
   * @returns whether it waits.
   */
  flushLater(token: unknown, env: unknown, ctx: ExecutionContext): boolean {
    const metrics = metricsRecording()?.use(this.#options.of(env));
    return metrics?.flusher.flushLater(token, (work) => ctx.waitUntil(work)) === true;
  }

  /**
   * Runs a body as an invocation and sends its metrics.
   *
   * @param call the call of the runtime. Undefined for invocations that isotel handles, which are neither exported nor
   * measured.
   */
  run<T>(env: unknown, ctx: unknown, body: () => T, call?: Call): T {
    const options = this.#options.of(env);
    const traced = call === undefined ? body : exported(call, ctx, options?.otlp, body);
    let scope = currentScope();
    // A handler that another handler calls belongs to the invocation of that one.
    const isInner = scope?.sendsMetrics === true;
    const metrics = isInner ? undefined : metricsRecording()?.use(options);
    if (options === undefined || metrics === undefined) {
      return runInInvocationScope(call?.args[0], traced);
    }
    let recorded = recordedHere();
    const measured =
      call === undefined || (recorded & Recorded.duration) !== 0
        ? undefined
        : begin(metrics, call, options.metrics?.route);
    const atStart = options.genAi === undefined ? recorded : recorded | Recorded.genAi;
    recorded = measured === undefined ? atStart : atStart | Recorded.duration;
    const mark = invocationMark(workersRuntime);
    // An invocation that the runtime ends by force records no duration, and a collector then measures it.
    mark(atStart);
    let hasBegun = false;
    const end = (outcome: Outcome): void => {
      if (scope !== undefined) scope.sendsMetrics = false;
      try {
        const record = () => {
          if (measured === undefined || scope?.isTransport === true) return;
          measured(outcome);
          mark(recorded);
        };
        // An invocation inside another one of this isolate leaves the flush to that one.
        if (!hasBegun) record();
        else {
          const waits = isObjectState(ctx) ? "never" : "rarely";
          metrics.flusher.endInvocation({
            scope,
            waitUntil: unwatchedWaitUntil(ctx),
            record,
            waits,
          });
        }
      } catch (cause) {
        // The metrics stay in the core. The next invocation sends them.
        reportOnce("isotel: an invocation could not send its metrics; the next one tries.", cause);
      }
    };
    let result: T;
    try {
      result = runInInvocationScope(call?.args[0], () => {
        scope = currentScope();
        hasBegun = scope !== undefined && metrics.flusher.beginInvocation(scope);
        if (scope !== undefined) {
          scope.sendsMetrics = true;
          scope.recorded |= recorded;
        }
        return traced();
      });
    } catch (cause) {
      end({ cause });
      throw cause;
    }
    if (result instanceof Promise) {
      prototype.then.call(
        result,
        (value: unknown) => end({ result: value }),
        (cause: unknown) => end({ cause }),
      );
    } else {
      end({ result });
    }
    return result;
  }
}

/** Starts the measurement of an invocation: as a request to a Worker, or as an invocation of another kind. */
function begin(
  { http, invocations }: WorkerMetrics,
  call: Call,
  route: MetricsBindings["route"],
): (outcome: Outcome) => void {
  const isRequest = handlerTypeOf(call) === "fetch" && call.object?.kind !== "object";
  return isRequest ? http.begin(call.args[0], route) : invocations.begin(call, route);
}

/** Whether a context is that of a Durable Object, whose duration is billed. */
function isObjectState(ctx: unknown): boolean {
  return typeof ctx === "object" && ctx !== null && "storage" in ctx;
}

/** Runs a handler for messages that are not telemetry. The invocation lasts until the telemetry is consumed. */
async function withConsumed(consumed: Promise<void>, body: () => unknown): Promise<unknown> {
  try {
    return await body();
  } finally {
    await consumed;
  }
}

/** Runs code that must not disturb the program. Returns undefined if it throws, which is logged once. */
function guarded<T>(what: string, body: () => T): T | undefined {
  try {
    return body();
  } catch (cause) {
    reportOnce(`isotel: ${what} failed (${errorType(cause)}); the Worker continues without it.`);
    return undefined;
  }
}

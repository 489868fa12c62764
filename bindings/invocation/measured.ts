import { currentScope, withInvocationScope } from "../trace/invocation_scope.ts";
import type { Outcome } from "../trace/outcome.ts";
import { workersRuntime } from "../trace/workers_telemetry.ts";
import { type Call, exported } from "./exported.ts";
import { markMeasured } from "./measured_mark.ts";
import { metricsRoutes } from "./metrics_routes.ts";
import { PerEnv } from "./per_env.ts";
import { type OptionsOf, readOptions, type WorkerOptions } from "./read_options.ts";
import { onceReporter } from "./report_once.ts";
import type { MetricsBindings } from "./telemetry_options.ts";
import { usedMetrics } from "./used_metrics.ts";
import { unwatchedWaitUntil } from "./wait_until.ts";

const { prototype } = Promise;

/** Invocations of one Worker or class whose metrics are recorded and sent. */
export class MeasuredInvocations {
  readonly #options: PerEnv<WorkerOptions | undefined>;

  constructor(optionsOf: OptionsOf) {
    this.#options = new PerEnv((env) => guarded(() => readOptions(optionsOf, env, reportOnce)));
  }

  /**
   * Runs a handler of a Worker as an invocation, unless it is about isotel's own: a scrape, or a batch of the telemetry
   * queue.
   *
   * @param args what the runtime gave the handler.
   * @param body calls it; undefined where the Worker has none.
   */
  handler(name: string, args: readonly unknown[], body: (() => unknown) | undefined): unknown {
    const [event, env, ctx] = args;
    const options = this.#options.of(env);
    const own =
      options?.metrics === undefined ? undefined : ownAnswer(name, event, options.metrics, ctx);
    if (own !== undefined) return this.run(env, ctx, () => own);
    if (body === undefined) throw new Error(`isotel: the Worker has no ${name} handler of its own`);
    const request = name === "fetch" ? event : undefined;
    return this.run(env, ctx, body, { handler: name, event }, request);
  }

  /**
   * Runs a body as an invocation: what it records is sent.
   *
   * @param call unless it is about isotel's own.
   * @param request of an HTTP request, whose duration is measured.
   */
  run<T>(env: unknown, ctx: unknown, body: () => T, call?: Call, request?: unknown): T {
    const options = this.#options.of(env);
    const traced = call === undefined ? body : exported(call, ctx, options?.otlp, body);
    const metrics = usedMetrics(options);
    if (options === undefined || metrics === undefined) return withInvocationScope(traced);
    const measured =
      request === undefined ? undefined : metrics.http.begin(request, options.metrics?.route);
    markMeasured(workersRuntime, measured !== undefined, options.genAi !== undefined);
    let scope = currentScope();
    const end = (outcome: Outcome): void => {
      try {
        measured?.(outcome);
        metrics.flusher.endInvocation(scope, unwatchedWaitUntil(ctx));
      } catch {
        // What was recorded stays where it is, and the next invocation looks for it.
      }
    };
    let result: T;
    try {
      result = withInvocationScope(() => {
        scope = currentScope();
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

/** Several wrapped classes of a Worker have the same to say. */
const reportOnce = onceReporter();

/** The answer to what is isotel's own business; undefined for everything else. */
function ownAnswer(
  name: string,
  event: unknown,
  metrics: MetricsBindings,
  ctx: unknown,
): Promise<unknown> | undefined {
  const routes = metricsRoutes();
  if (routes === undefined) return undefined;
  if (name === "fetch") {
    return guarded(() => routes.scrape(event as Request, metrics, ctx as ExecutionContext));
  }
  if (name === "queue") return guarded(() => routes.consume(event as MessageBatch, metrics));
  return undefined;
}

function guarded<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch {
    return undefined;
  }
}

import { CollectingWorker } from "./collecting_worker.ts";
import type { CollectorOptions } from "./read_options.ts";

export type { CollectorMetrics, CollectorOptions } from "./read_options.ts";
export type { Redact, RedactedSpan } from "./spans/redaction.ts";

/** The handlers of a collector. */
export interface CollectorHandlers<Env = Cloudflare.Env> {
  tailStream(
    onset: TailStream.TailEvent<TailStream.Onset>,
    env: Env,
    ctx: ExecutionContext,
  ): TailStream.TailEventHandler | undefined;
  /** Answers scrapes, where there are metrics, and anything else with 404. */
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response>;
  /** Takes the batches of the telemetry queue. */
  queue(batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void>;
}

/**
 * A streaming tail Worker: turns every span, log and exception of the Workers that name it in their
 * `streaming_tail_consumers` into OTLP and exports them, and measures their invocations.
 *
 * ```ts
 * export default collector((env) => ({ otlp: { backend: "honeycomb", apiKey: env.HONEYCOMB_API_KEY } }));
 * ```
 *
 * What is wrong with the options is said once by `console.error`, naming the option, the variable or the binding; what
 * happens is then still counted. The handlers never throw into the runtime, but for a batch that is no telemetry.
 *
 * @param options from the bindings of `env`; asked once for each `env`.
 * @throws TypeError when options are no function.
 */
export function collector<Env = Cloudflare.Env>(
  options: (env: Env) => CollectorOptions,
): CollectorHandlers<Env> {
  if (typeof options !== "function") {
    throw new TypeError(
      "isotel: the options of collector are a function of env, such as " +
        `(env) => ({ otlp: { backend: "honeycomb", apiKey: env.HONEYCOMB_API_KEY } }); it got ${typeof options}`,
    );
  }
  const worker = new CollectingWorker(options as (env: never) => CollectorOptions);
  return {
    tailStream: (onset, env, ctx) => worker.tailStream(onset, env, ctx),
    fetch: (request, env, ctx) => worker.fetch(request, env, ctx),
    queue: (batch, env, ctx) => worker.queue(batch, env, ctx),
  };
}

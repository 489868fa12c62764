import type {
  CloudflareEnv,
  ExecutionContext,
  MessageBatch,
  TailEventHandler,
  TailOnset,
} from "../base/runtime_types.ts";
import { shapeOf } from "../base/values.ts";
import { CollectingWorker } from "./collecting_worker.ts";
import type { CollectorOptions } from "./read_options.ts";

export type { CollectorMetrics, CollectorOptions } from "./read_options.ts";
export type { Redact, RedactedSpan } from "./spans/redaction.ts";

/** The handlers of a collector. */
export interface CollectorHandlers<Env = CloudflareEnv> {
  tailStream(onset: TailOnset, env: Env, ctx: ExecutionContext): TailEventHandler | undefined;
  /** Answers scrapes if metrics are configured. Answers other requests with 404. */
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response>;
  /** Consumes the batches of the telemetry queue. */
  queue(batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void>;
}

/**
 * Returns the handlers of a streaming tail Worker. It receives the events of the Workers that name it in
 * `streaming_tail_consumers`. It exports their spans, logs and exceptions over OTLP and measures their invocations.
 *
 * ```ts
 * export default collector((env) => ({ otlp: { backend: "honeycomb", apiKey: env.HONEYCOMB_API_KEY } }));
 * ```
 *
 * Invalid options are logged once with `console.error`. The message names the option, the variable or the binding.
 * Events are still counted. The handlers never throw, with one exception: `queue` rejects a batch with messages that
 * are not telemetry.
 *
 * @param options Returns the options for the bindings in `env`. Called once for each `env`.
 * @throws TypeError if `options` is not a function.
 */
export function collector<Env = CloudflareEnv>(
  options: (env: Env) => CollectorOptions,
): CollectorHandlers<Env> {
  if (typeof options !== "function") {
    throw new TypeError(
      `isotel: the options of collector are ${shapeOf(options)}; they have to be a function of env, such as ` +
        '(env) => ({ otlp: { backend: "honeycomb", apiKey: env.HONEYCOMB_API_KEY } })',
    );
  }
  const worker = new CollectingWorker(options as (env: never) => CollectorOptions);
  return {
    tailStream: (onset, env, ctx) => worker.tailStream(onset, env, ctx),
    fetch: (request, env, ctx) => worker.fetch(request, env, ctx),
    queue: (batch, env, ctx) => worker.queue(batch, env, ctx),
  };
}

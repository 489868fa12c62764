import { type Constructor, type Runner, wrapClass } from "./invocation_class.ts";
import { MeasuredInvocations, runInvocation } from "./measured.ts";
import type { OptionsOf, TelemetryOptions } from "./read_options.ts";
import { watchWaitUntil } from "./wait_until.ts";

/** The handlers of a Worker that are invocations of their own. */
const handlerNames = [
  "fetch",
  "connect",
  "queue",
  "scheduled",
  "email",
  "tail",
  "trace",
  "test",
] as const;

/** The `env` of a class, or of the first handler that takes one. */
type EnvOf<T> = Known<
  T extends abstract new (
    ctx: never,
    env: infer E,
    ...rest: never[]
  ) => object
    ? E
    : T extends { fetch: (request: never, env: infer E, ...rest: never[]) => unknown }
      ? E
      : T extends { queue: (batch: never, env: infer E, ...rest: never[]) => unknown }
        ? E
        : T extends { scheduled: (event: never, env: infer E, ...rest: never[]) => unknown }
          ? E
          : unknown
>;

/** Of an `env` that nobody typed, options may take any. */
type Known<E> = unknown extends E ? never : E;

/**
 * Wraps the handlers of a Worker, or the class of a Durable Object or an entrypoint, so that each invocation has a
 * scope: spans that nobody would end, such as those of a stream that is never read, end with it and are marked
 * `cloudflare.agents.span.truncated`.
 *
 * An invocation is over when its handler has settled and so has everything given to `ctx.waitUntil`. Work handed to the
 * `waitUntil` of `cloudflare:workers` cannot be seen; a stream that has a reader ends with that reader.
 *
 * Of a class, every method the runtime calls is an invocation: handlers, alarms, WebSocket events and RPC alike.
 *
 * With options, metrics are sent from `waitUntil`: those of `defineMetrics`, of the calls of an AI SDK, and of a Worker's
 * `fetch` the duration of requests. The scrapes and the telemetry queue of a Worker that exports `TelemetryAggregator`
 * are answered before its own handlers are asked. With the option `otlp` spans and log records are exported. What is wrong
 * with the options is said once by `console.error`.
 *
 * @param handler `{ fetch, queue, ... }` as a Worker exports it, or a class.
 * @param options from the bindings of `env`; asked once for each `env`.
 * @returns the same, to be exported in its place; with options it has a `queue` handler.
 * @throws TypeError when it is neither, or options are no function.
 */
export function withTelemetry<T extends object>(
  handler: T,
  options?: (env: EnvOf<T>) => TelemetryOptions,
): T {
  if (options !== undefined && typeof options !== "function") {
    throw new TypeError(
      "isotel: the options of withTelemetry are a function of env, such as " +
        `(env) => ({ metrics: { queue: env.TELEMETRY_QUEUE } }); it got ${typeof options}`,
    );
  }
  const measured = options && new MeasuredInvocations(options as OptionsOf);
  if (isConstructor(handler)) {
    const run: Runner = ([ctx, env], call, body) =>
      measured === undefined ? runInvocation(call, ctx, body) : measured.run(env, ctx, body, call);
    return wrapClass(handler, run) as T;
  }
  if (typeof handler === "object" && handler !== null) return wrapHandlers(handler, measured);
  throw new TypeError(
    "isotel: withTelemetry takes the handlers of a Worker, such as { fetch }, or a class; " +
      `it got ${handler === null ? "null" : typeof handler}`,
  );
}

function isConstructor(value: unknown): value is Constructor {
  return typeof value === "function" && typeof value.prototype === "object";
}

function wrapHandlers<T extends object>(handler: T, measured: MeasuredInvocations | undefined): T {
  const source = handler as Readonly<Record<string, unknown>>;
  const descriptors: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(handler);
  for (const name of handlerNames) {
    const original = source[name];
    const isHandler = typeof original === "function";
    if (!isHandler && !(name === "queue" && measured !== undefined)) continue;
    const value = (...args: unknown[]): unknown => {
      watchWaitUntil(args[2]);
      // A handler is called as a method of what the Worker exports.
      const body = isHandler
        ? (given: readonly unknown[]) => Reflect.apply(original, handler, given) as unknown
        : undefined;
      if (measured !== undefined) return measured.handler(name, args, body);
      const call = { handler: name, event: args[0] };
      return body && runInvocation(call, args[2], () => body(args));
    };
    descriptors[name] = { value, configurable: true, enumerable: true, writable: true };
  }
  return Object.create(Object.getPrototypeOf(handler) as object, descriptors) as T;
}

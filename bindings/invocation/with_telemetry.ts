import { NativeEntrypoint, NativeWorkflow } from "#workers";
import type { CloudflareEnv } from "../base/runtime_types.ts";
import { shapeOf } from "../base/values.ts";
import type { InvokedObject } from "../trace/call.ts";
import { flushMethod, noteFlushMethod } from "../trace/flush_method.ts";
import { type AddedMethods, type Constructor, type Runner, wrapClass } from "./invocation_class.ts";
import { MeasuredInvocations, runInvocation } from "./measured.ts";
import { isWorkflowRun, openedCall } from "./opened_call.ts";
import type { OptionsOf, TelemetryOptions } from "./read_options.ts";
import { watchWaitUntil } from "./wait_until.ts";
import { tracedSteps } from "./workflow_steps.ts";

/** The handlers of a Worker that run as invocations. */
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

/** The `env` type of a class or of handlers. If none is declared: `Cloudflare.Env`, which `wrangler types` generates. */
type EnvOf<T> = T extends abstract new (
  ctx: never,
  env: infer E,
  ...rest: never[]
) => object
  ? FirstOf<[E, CloudflareEnv]>
  : FirstOf<
      [HandlerEnv<T, "fetch">, HandlerEnv<T, "queue" | "scheduled" | "email">, CloudflareEnv]
    >;

/** The `env` types of handlers. A handler may be optional, as in `ExportedHandler`. */
type HandlerEnv<T, Name extends string> = {
  [K in Name]: T extends { [P in K]?: infer F } ? SecondParameter<NonNullable<F>> : never;
}[Name];

type SecondParameter<F> = F extends (first: never, second: infer E, ...rest: never[]) => unknown
  ? E
  : never;

/** The first type that has members. `never` if none has: the options function may then declare any type. */
type FirstOf<List extends readonly unknown[]> = List extends [infer First, ...infer Rest]
  ? [WithMembers<First>] extends [never]
    ? FirstOf<Rest>
    : WithMembers<First>
  : never;

/** Keeps the members of a union that have members. Hono declares `env` as its bindings, as `{}`, or as undefined. */
type WithMembers<E> = unknown extends E
  ? never
  : E extends object
    ? keyof E extends never
      ? never
      : E
    : never;

/**
 * Wraps the handlers of a Worker, or the class of a Durable Object or an entrypoint, so that each invocation has a
 * scope. A span that no code will end, such as that of a stream that is never read, ends with the scope and is marked
 * with `cloudflare.agents.span.truncated`.
 *
 * An invocation ends when its handler and everything passed to `ctx.waitUntil` have settled. It does not wait for work
 * passed to the `waitUntil` of `cloudflare:workers`. The span of a stream that has a reader ends with that reader.
 *
 * In a class, every method that the runtime calls is an invocation: handlers, alarms, WebSocket events, RPC methods and
 * the `run` of a Workflow, whose steps get a span for each attempt.
 *
 * With the option `metrics`, these metrics are sent from `waitUntil`: the metrics of `defineMetrics`, the metrics of AI
 * SDK calls, and the duration of requests to the `fetch` handler of a Worker. If the Worker exports
 * `TelemetryAggregator`, scrapes and messages of the telemetry queue are handled before its handlers are called. With
 * the option `otlp`, spans and log records are exported. Invalid options are logged once with `console.error` and
 * ignored.
 *
 * @param handler the handlers that a Worker exports, `{ fetch, queue, ... }`, or a class.
 * @param options returns the options for an `env`. Called once per `env`.
 * @returns a replacement for `handler` to export. With options, it has a `queue` handler.
 * @throws TypeError if `handler` is neither an object nor a class, or `options` is not a function.
 */
export function withTelemetry<T extends object>(
  handler: T,
  options?: (env: EnvOf<T>) => TelemetryOptions,
): T {
  if (options !== undefined && typeof options !== "function") {
    throw new TypeError(
      `isotel: the second argument of withTelemetry() is ${shapeOf(options)}; it has to be a function of env, ` +
        "such as (env) => ({ metrics: { queue: env.TELEMETRY_QUEUE } })",
    );
  }
  const measured = options && new MeasuredInvocations(options as OptionsOf);
  if (isConstructor(handler)) {
    const kind = kindOf(handler);
    const run: Runner = ([context, env], given, method) => {
      const call = openedCall({ ...given, object: { kind, name: handler.name, context } });
      const body = () => method(isWorkflowRun(call) ? withSpans(call.args) : call.args);
      return measured === undefined
        ? runInvocation(call, context, body)
        : measured.run(env, context, body, call);
    };
    if (measured === undefined || kind !== "entrypoint") return wrapClass(handler, run, {}) as T;
    noteFlushMethod();
    const methods: AddedMethods = {
      [flushMethod]: ([ctx, env], token) =>
        measured.flushLater(token, env, ctx as ExecutionContext),
    };
    return wrapClass(handler, run, methods) as T;
  }
  if (typeof handler === "object" && handler !== null) return wrapHandlers(handler, measured);
  throw new TypeError(
    `isotel: the first argument of withTelemetry() is ${shapeOf(handler)}; it has to be an object with handlers, ` +
      "such as { fetch }, or a class",
  );
}

function isConstructor(value: unknown): value is Constructor {
  return typeof value === "function" && typeof value.prototype === "object";
}

function kindOf({ prototype }: Constructor): InvokedObject["kind"] {
  if (isA(prototype, NativeWorkflow)) return "workflow";
  return isA(prototype, NativeEntrypoint) ? "entrypoint" : "object";
}

function isA(prototype: unknown, base: unknown): boolean {
  return typeof base === "function" && prototype instanceof base;
}

/** Replaces the second argument of a Workflow's `run`. */
function withSpans([event, step, ...rest]: readonly unknown[]): readonly unknown[] {
  return [event, tracedSteps(step), ...rest];
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
      // Handlers are called as methods of the exported object.
      const body = isHandler
        ? (handlerArgs: readonly unknown[]) =>
            Reflect.apply(original, handler, handlerArgs) as unknown
        : undefined;
      if (measured !== undefined) return measured.handler(name, args, body);
      const call = openedCall({ handler: name, args });
      return body && runInvocation(call, args[2], () => body(args));
    };
    descriptors[name] = { value, configurable: true, enumerable: true, writable: true };
  }
  if (measured !== undefined) {
    noteFlushMethod();
    const value = (token: unknown, env: unknown, ctx: ExecutionContext) =>
      measured.flushLater(token, env, ctx);
    descriptors[flushMethod] = { value, configurable: true, enumerable: true, writable: true };
  }
  return Object.create(Object.getPrototypeOf(handler) as object, descriptors) as T;
}

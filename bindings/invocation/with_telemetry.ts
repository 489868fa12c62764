import { InvocationScope, runInScope } from "../trace/invocation_scope.ts";
import { watchWaitUntil } from "./wait_until.ts";

/** The handlers of a Worker that are invocations of their own. */
const handlerNames = ["fetch", "queue", "scheduled", "tail", "email", "trace"] as const;

/** The methods of a Durable Object or a WorkerEntrypoint that the runtime calls. */
const methodNames = [
  ...handlerNames,
  "alarm",
  "webSocketMessage",
  "webSocketClose",
  "webSocketError",
] as const;

type Callable = (this: unknown, ...args: unknown[]) => unknown;
type Constructor = abstract new (...args: never[]) => object;

/**
 * Wraps the handlers of a Worker, or the class of a Durable Object or WorkerEntrypoint, so that each invocation has a
 * scope: spans that nobody would end, such as those of a stream that is never read, end with it and are marked
 * `cloudflare.agents.span.truncated`.
 *
 * An invocation is over when its handler has settled and so has everything given to `ctx.waitUntil`. Work handed to the
 * `waitUntil` of `cloudflare:workers` cannot be seen; a stream that has a reader ends with that reader.
 *
 * @param handler `{ fetch, queue, ... }` as a Worker exports it, or a class.
 * @returns the same, to be exported in its place.
 * @throws TypeError when it is neither.
 */
export function withTelemetry<T extends object>(handler: T): T {
  if (typeof handler === "function") return wrapClass(handler as unknown as Constructor) as T;
  if (typeof handler !== "object" || handler === null) {
    throw new TypeError(
      `isotel: withTelemetry takes the handlers of a Worker, such as { fetch }, or a class; ` +
        `it got ${handler === null ? "null" : typeof handler}`,
    );
  }
  return wrapHandlers(handler);
}

function wrapHandlers<T extends object>(handler: T): T {
  const source = handler as Readonly<Record<string, unknown>>;
  const wrapped = handlerNames
    .filter((name) => typeof source[name] === "function")
    .map((name) => {
      const original = source[name] as Callable;
      return [
        name,
        function (this: unknown, ...args: unknown[]): unknown {
          // A handler is called as a method of what the Worker exports.
          return invoke(args[2], () => original.apply(handler, args));
        },
      ];
    });
  return Object.assign(
    Object.create(Object.getPrototypeOf(handler), Object.getOwnPropertyDescriptors(handler)),
    Object.fromEntries(wrapped),
  ) as T;
}

function wrapClass(base: Constructor): Constructor {
  const Base = base as new (...args: unknown[]) => object;
  const Wrapped = class extends Base {};
  for (const name of methodNames) {
    const original = (base.prototype as Readonly<Record<string, unknown>>)[name];
    if (typeof original !== "function") continue;
    Object.defineProperty(Wrapped.prototype, name, {
      value(this: { ctx?: unknown }, ...args: unknown[]): unknown {
        return invoke(this.ctx, () => (original as Callable).apply(this, args));
      },
      configurable: true,
      writable: true,
    });
  }
  Object.defineProperty(Wrapped, "name", { value: base.name });
  return Wrapped;
}

function invoke<T>(context: unknown, body: () => T): T {
  watchWaitUntil(context);
  return runInScope(new InvocationScope(), body);
}

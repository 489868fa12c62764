import { withInvocationScope } from "../trace/invocation_scope.ts";
import { type Constructor, wrapClass } from "./invocation_class.ts";
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
 * @param handler `{ fetch, queue, ... }` as a Worker exports it, or a class.
 * @returns the same, to be exported in its place.
 * @throws TypeError when it is neither.
 */
export function withTelemetry<T extends object>(handler: T): T {
  if (isConstructor(handler)) return wrapClass(handler) as T;
  if (typeof handler === "object" && handler !== null) return wrapHandlers(handler);
  throw new TypeError(
    "isotel: withTelemetry takes the handlers of a Worker, such as { fetch }, or a class; " +
      `it got ${handler === null ? "null" : typeof handler}`,
  );
}

function isConstructor(value: unknown): value is Constructor {
  return typeof value === "function" && typeof value.prototype === "object";
}

function wrapHandlers<T extends object>(handler: T): T {
  const source = handler as Readonly<Record<string, unknown>>;
  const descriptors: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(handler);
  for (const name of handlerNames) {
    const original = source[name];
    if (typeof original !== "function") continue;
    const value = (...args: unknown[]): unknown => {
      watchWaitUntil(args[2]);
      // A handler is called as a method of what the Worker exports.
      return withInvocationScope(() => Reflect.apply(original, handler, args) as unknown);
    };
    descriptors[name] = { value, configurable: true, enumerable: true, writable: true };
  }
  return Object.create(Object.getPrototypeOf(handler) as object, descriptors) as T;
}

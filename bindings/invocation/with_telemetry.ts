import { currentScope, withInvocationScope } from "../trace/invocation_scope.ts";
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

type Method = (...args: unknown[]) => unknown;
type Constructor = abstract new (...args: never[]) => object;

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

function wrapClass(base: Constructor): Constructor {
  const Base = base as new (...args: unknown[]) => object;
  const Wrapped = class extends Base {
    constructor(...args: unknown[]) {
      watchWaitUntil(args[0]);
      super(...args);
    }
  };
  // Inherited like all its statics.
  Reflect.deleteProperty(Wrapped, "name");
  Reflect.deleteProperty(Wrapped, "length");
  const prototype = base.prototype as object;
  for (const name of methodNames(prototype)) {
    Object.defineProperty(Wrapped.prototype, name, invocationProperty(prototype, name));
  }
  return Wrapped;
}

/** The methods of a prototype and of all it inherits from. */
function methodNames(prototype: object): ReadonlySet<string> {
  const names = new Set<string>();
  let current: object | null = prototype;
  while (current !== null && current !== Object.prototype) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(current))) {
      if (typeof value === "function" && name !== "constructor") names.add(name);
    }
    current = Object.getPrototypeOf(current) as object | null;
  }
  return names;
}

/**
 * A method that is an invocation when the runtime calls it. Who asks for it inside of one gets the method itself: calls
 * among methods cost no scope, and libraries that know their methods by identity find them.
 */
function invocationProperty(prototype: object, name: string): PropertyDescriptor {
  const methodOf = (object: object): unknown => Reflect.get(prototype, name, object);
  const invocation = function (this: object, ...args: unknown[]): unknown {
    return withInvocationScope(() => Reflect.apply(methodOf(this) as Method, this, args));
  };
  return {
    configurable: true,
    get() {
      const method = methodOf(this as object);
      return typeof method !== "function" || isInInvocation() ? method : invocation;
    },
    set(value: unknown) {
      const own = { value, configurable: true, enumerable: true, writable: true };
      Object.defineProperty(this, name, own);
    },
  };
}

function isInInvocation(): boolean {
  return currentScope()?.ended === false;
}

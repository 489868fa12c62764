import type { Call } from "../trace/call.ts";
import { tracedCallMethod } from "../trace/envelope.ts";
import { currentScope } from "../trace/invocation_scope.ts";
import type { ContextHeaders } from "../trace/tracer.ts";
import { watchWaitUntil } from "./wait_until.ts";

type Method = (...args: unknown[]) => unknown;
export type Constructor = abstract new (...args: never[]) => object;

/**
 * Runs a method as an invocation. `argsOfConstructor` are the context and `env` of its object. `method` calls it with
 * arguments.
 */
export type Runner = (
  argsOfConstructor: readonly unknown[],
  call: Call,
  method: (args: readonly unknown[]) => unknown,
) => unknown;

/** Methods that a wrapped class has in addition. They do not run as invocations. */
export type AddedMethods = Readonly<
  Record<string, (argsOfConstructor: readonly unknown[], ...args: unknown[]) => unknown>
>;

/** Handlers that an object may have as own properties. */
const handlerNames = [
  "fetch",
  "connect",
  "alarm",
  "webSocketMessage",
  "webSocketClose",
  "webSocketError",
  "queue",
  "scheduled",
  "email",
  "tail",
  "trace",
  "test",
] as const;

/** Methods that the runtime does not allow to call over RPC. */
const reserved: ReadonlySet<string> = new Set([...handlerNames, "constructor", "dup"]);

/**
 * Returns a subclass whose methods run as invocations when the runtime calls them. Methods are intercepted only after
 * an object has been constructed: constructors of libraries read the prototype and add methods to it, and they must
 * find the original methods.
 */
export function wrapClass(base: Constructor, run: Runner, addedMethods: AddedMethods): Constructor {
  const Base = base as new (...args: unknown[]) => object;
  const argsOf = new WeakMap<object, readonly unknown[]>();
  const argumentsOf = (object: object) => argsOf.get(object) ?? [];
  const added: PropertyDescriptorMap = {};
  for (const [name, method] of Object.entries(addedMethods)) {
    const value = function (this: object, ...args: unknown[]): unknown {
      return method(argumentsOf(this), ...args);
    };
    added[name] = { value, configurable: true, writable: true };
  }
  const invocations = new Invocations(
    (object, call, method) => run(argumentsOf(object), call, method),
    added,
  );
  const Wrapped = class extends Base {
    constructor(...args: unknown[]) {
      watchWaitUntil(args[0]);
      super(...args);
      argsOf.set(this, args);
      invocations.intercept(this, new.target.prototype);
    }
  };
  // Deleted, so that the class inherits the property from the base class, like all other statics.
  Reflect.deleteProperty(Wrapped, "name");
  Reflect.deleteProperty(Wrapped, "length");
  return Wrapped;
}

type MethodRunner = (
  object: object,
  call: Call,
  method: (args: readonly unknown[]) => unknown,
) => unknown;

/** Intercepts calls of the runtime to methods of objects and runs them as invocations with `run`. */
class Invocations {
  readonly #run: MethodRunner;
  readonly #added: PropertyDescriptorMap;
  readonly #known = new WeakMap<object, object>();

  constructor(run: MethodRunner, added: PropertyDescriptorMap) {
    this.#run = run;
    this.#added = added;
  }

  /** Inserts an object that intercepts calls of the runtime between an object and its prototype. */
  intercept(object: object, prototype: object): void {
    // The prototype differs if the constructor returned another object, or if the class was wrapped before: then it
    // is an object of that wrapper.
    const current = Object.getPrototypeOf(object) as object;
    if (current !== prototype && !Object.hasOwn(current, tracedCallMethod)) return;
    for (const name of handlerNames) {
      const descriptor = Object.getOwnPropertyDescriptor(object, name);
      if (descriptor?.configurable !== true) continue;
      const { get, value, enumerable = false } = descriptor;
      const isOther = current !== prototype && get !== undefined;
      const methodOf = (): unknown => (isOther ? Reflect.apply(get, object, []) : value);
      if (typeof methodOf() !== "function") continue;
      Object.defineProperty(object, name, { ...this.#property(name, methodOf), enumerable });
    }
    Reflect.setPrototypeOf(object, this.#between(current));
  }

  #between(prototype: object): object {
    let between = this.#known.get(prototype);
    if (between !== undefined) return between;
    between = Object.create(prototype, this.#added) as object;
    const methods = methodNames(prototype);
    for (const name of methods) {
      const methodOf = (object: object): unknown => Reflect.get(prototype, name, object);
      Object.defineProperty(between, name, this.#property(name, methodOf));
    }
    const run = this.#run;
    Object.defineProperty(between, tracedCallMethod, {
      configurable: true,
      value(this: object, carrier: ContextHeaders, name: string, args: readonly unknown[]) {
        const isMethod = methods.has(name) && !reserved.has(name);
        const method: unknown = isMethod ? Reflect.get(prototype, name, this) : undefined;
        if (typeof method !== "function") {
          throw new TypeError(`The RPC receiver does not implement the method "${name}".`);
        }
        return run(this, { handler: name, args, carriers: [carrier] }, (given) =>
          Reflect.apply(method, this, given as unknown[]),
        );
      },
    });
    this.#known.set(prototype, between);
    return between;
  }

  /**
   * Returns the descriptor of a method that runs as an invocation when the runtime calls it. Code inside an invocation
   * gets the method itself: calls between methods need no scope, and libraries compare methods by identity.
   */
  #property(name: string, methodOf: (object: object) => unknown): PropertyDescriptor {
    const run = this.#run;
    const invocation = function (this: object, ...args: unknown[]): unknown {
      // Read outside of the invocation, so that it is that of another wrapper if there is one.
      const method = methodOf(this) as Method;
      return run(this, { handler: name, args }, (given) =>
        Reflect.apply(method, this, given as unknown[]),
      );
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
}

/** Returns the names of the methods of a prototype and of all prototypes that it inherits from. */
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

function isInInvocation(): boolean {
  return currentScope()?.ended === false;
}

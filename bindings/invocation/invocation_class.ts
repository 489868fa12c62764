import { currentScope } from "../trace/invocation_scope.ts";
import type { Call } from "./measured.ts";
import { watchWaitUntil } from "./wait_until.ts";

type Method = (...args: unknown[]) => unknown;
export type Constructor = abstract new (...args: never[]) => object;

/** Runs a method as an invocation. `args` are those its object was constructed with: context and `env`. */
export type Runner = (args: readonly unknown[], call: Call, body: () => unknown) => unknown;

/** The handlers that an object of a class may have as properties of its own. */
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

/**
 * A class whose methods are invocations when the runtime calls them. They become so once an object has been
 * constructed: constructors of libraries look at the prototype and put methods of their own there, and they have to
 * find what they would find without.
 */
export function wrapClass(base: Constructor, run: Runner): Constructor {
  const Base = base as new (...args: unknown[]) => object;
  const given = new WeakMap<object, readonly unknown[]>();
  const invocations = new Invocations((object, call, body) =>
    run(given.get(object) ?? [], call, body),
  );
  const Wrapped = class extends Base {
    constructor(...args: unknown[]) {
      watchWaitUntil(args[0]);
      super(...args);
      given.set(this, args);
      invocations.makeOf(this, new.target.prototype);
    }
  };
  // Inherited like all its statics.
  Reflect.deleteProperty(Wrapped, "name");
  Reflect.deleteProperty(Wrapped, "length");
  return Wrapped;
}

type MethodRunner = (object: object, call: Call, body: () => unknown) => unknown;

/** Makes methods of objects into invocations that run as `run` has it. */
class Invocations {
  readonly #run: MethodRunner;
  readonly #known = new WeakMap<object, object>();

  constructor(run: MethodRunner) {
    this.#run = run;
  }

  /** Puts what intercepts calls of the runtime between an object and its prototype. */
  makeOf(object: object, prototype: object): void {
    // Another, where a constructor has returned another object, or where the class was wrapped before.
    if (Object.getPrototypeOf(object) !== prototype) return;
    for (const name of handlerNames) {
      const descriptor = Object.getOwnPropertyDescriptor(object, name);
      if (typeof descriptor?.value !== "function" || descriptor.configurable !== true) continue;
      const { value, enumerable = false } = descriptor;
      Object.defineProperty(object, name, { ...this.#property(name, () => value), enumerable });
    }
    Reflect.setPrototypeOf(object, this.#between(prototype));
  }

  #between(prototype: object): object {
    let between = this.#known.get(prototype);
    if (between !== undefined) return between;
    between = Object.create(prototype) as object;
    for (const name of methodNames(prototype)) {
      const methodOf = (object: object): unknown => Reflect.get(prototype, name, object);
      Object.defineProperty(between, name, this.#property(name, methodOf));
    }
    this.#known.set(prototype, between);
    return between;
  }

  /**
   * A method that is an invocation when the runtime calls it. Who asks for it inside of one gets the method itself: calls
   * among methods cost no scope, and libraries that know their methods by identity find them.
   */
  #property(name: string, methodOf: (object: object) => unknown): PropertyDescriptor {
    const run = this.#run;
    const invocation = function (this: object, ...args: unknown[]): unknown {
      const call = { handler: name, event: args[0] };
      return run(this, call, () => Reflect.apply(methodOf(this) as Method, this, args));
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

function isInInvocation(): boolean {
  return currentScope()?.ended === false;
}

import { currentScope, withInvocationScope } from "../trace/invocation_scope.ts";
import { watchWaitUntil } from "./wait_until.ts";

type Method = (...args: unknown[]) => unknown;
export type Constructor = abstract new (...args: never[]) => object;

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
export function wrapClass(base: Constructor): Constructor {
  const Base = base as new (...args: unknown[]) => object;
  const Wrapped = class extends Base {
    constructor(...args: unknown[]) {
      watchWaitUntil(args[0]);
      super(...args);
      makeInvocations(this, new.target.prototype);
    }
  };
  // Inherited like all its statics.
  Reflect.deleteProperty(Wrapped, "name");
  Reflect.deleteProperty(Wrapped, "length");
  return Wrapped;
}

/** Puts what intercepts calls of the runtime between an object and its prototype. */
function makeInvocations(object: object, prototype: object): void {
  // Another, where a constructor has returned another object, or where the class was wrapped before.
  if (Object.getPrototypeOf(object) !== prototype) return;
  for (const name of handlerNames) {
    const descriptor = Object.getOwnPropertyDescriptor(object, name);
    if (typeof descriptor?.value !== "function" || descriptor.configurable !== true) continue;
    const { value, enumerable = false } = descriptor;
    Object.defineProperty(object, name, { ...invocationProperty(name, () => value), enumerable });
  }
  Reflect.setPrototypeOf(object, invocationsOf(prototype));
}

const known = new WeakMap<object, object>();

function invocationsOf(prototype: object): object {
  let invocations = known.get(prototype);
  if (invocations !== undefined) return invocations;
  invocations = Object.create(prototype) as object;
  for (const name of methodNames(prototype)) {
    const methodOf = (object: object): unknown => Reflect.get(prototype, name, object);
    Object.defineProperty(invocations, name, invocationProperty(name, methodOf));
  }
  known.set(prototype, invocations);
  return invocations;
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
function invocationProperty(
  name: string,
  methodOf: (object: object) => unknown,
): PropertyDescriptor {
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

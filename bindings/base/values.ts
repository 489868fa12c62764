import { reportOnce } from "./report_once.ts";

/** Describes the type and size of a value for messages. Never includes text, which may be private. Never throws. */
export function shapeOf(value: unknown): string {
  if (value === null) return "null";
  if (isList(value)) return `a list of ${value.length}`;
  switch (typeof value) {
    case "string":
      return `a string of ${value.length} characters`;
    case "number":
      return Number.isFinite(value) ? `the number ${value}` : String(value);
    case "boolean":
      return String(value);
    case "undefined":
      return "undefined";
    case "object":
      return "an object";
    default:
      return `a ${typeof value}`;
  }
}

/** Whether a value is an array. False for a revoked proxy, for which `Array.isArray` throws. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/**
 * Logs once that a hook of the user returned an invalid value. This is usually the promise of an async function. Its
 * rejection is handled here, because no other code waits for the promise. Throws only if a proxy throws.
 *
 * @param rule what the hook has to return, and the effect of the invalid value.
 */
export function reportAnswer(hook: string, answer: unknown, rule: string): void {
  const isPromise = answer instanceof Promise;
  if (isPromise) Promise.prototype.then.call(answer, undefined, () => {});
  reportOnce(`isotel: ${hook} returned ${isPromise ? "a promise" : shapeOf(answer)}; ${rule}.`);
}

/** Whether a value is a promise or has a `then` method. False if `then` cannot be read. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  try {
    if (value instanceof Promise) return true;
    return typeof (value as { then?: unknown }).then === "function";
  } catch {
    return false;
  }
}

// Readers of the AI SDK's objects. Providers and callers may pass any shape. A reader returns undefined for an absent
// or unexpected value and never converts.

/** Returns the properties of an object, or undefined for any other value. */
export function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** Returns an own data property. Never runs a getter. */
export function ownValue(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    // Most objects lack the property, and reading a descriptor is expensive.
    if (!Object.hasOwn(value, key)) return undefined;
    return Object.getOwnPropertyDescriptor(value, key)?.value as unknown;
  } catch {
    return undefined;
  }
}

/** Returns a string that is not empty, or undefined. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** Whether a value can be called. */
export function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === "function";
}

/** Whether a value is a trace id: 32 hexadecimal digits that are not all zero. */
export function isTraceId(value: unknown): value is string {
  return typeof value === "string" && /^(?!0{32})[\da-f]{32}$/i.test(value);
}

/** Whether a value is a span id: 16 hexadecimal digits that are not all zero. */
export function isSpanId(value: unknown): value is string {
  return typeof value === "string" && /^(?!0{16})[\da-f]{16}$/i.test(value);
}

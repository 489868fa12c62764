import { reportOnce } from "./report_once.ts";

/** What a value is, for messages: never its content, which may be anybody's. Never throws. */
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

/** Whether a value is an array. A revoked proxy, which throws even at this, is none. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/**
 * Logs once that a hook of the user's answered with something it must not, mostly the promise of an async function. The
 * promise's rejection is handled: nobody else waits for it. Throws only what a proxy throws.
 *
 * @param rule what the hook has to answer, and what is missing now.
 */
export function reportAnswer(hook: string, answer: unknown, rule: string): void {
  const isPromise = answer instanceof Promise;
  if (isPromise) Promise.prototype.then.call(answer, undefined, () => {});
  reportOnce(`isotel: ${hook} answered ${isPromise ? "a promise" : shapeOf(answer)}; ${rule}.`);
}

/** Whether a value settles later. A `then` that cannot be read does not. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  try {
    if (value instanceof Promise) return true;
    return typeof (value as { then?: unknown }).then === "function";
  } catch {
    return false;
  }
}

// Readers of the AI SDK's objects. What a provider or a caller hands over may have any shape: a reader answers
// undefined for what is not there and never converts.

/** An object's properties, or undefined for anything that is not an object. */
export function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** An own data property. No getter runs. */
export function ownValue(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    // Mostly there is none, and a descriptor is dear.
    if (!Object.hasOwn(value, key)) return undefined;
    return Object.getOwnPropertyDescriptor(value, key)?.value as unknown;
  } catch {
    return undefined;
  }
}

/** A string that is not empty. */
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

import { maskSecrets } from "./address.ts";

/**
 * Whether a cause is a cancellation: the caller or the runtime aborted the work. Checks `name`, because a DOMException
 * is not always an Error.
 */
export function isCancellation(cause: unknown): boolean {
  return nameOf(cause) === "AbortError";
}

/** Whether a cause is a timeout, such as the reason of `AbortSignal.timeout()`. */
export function isTimeout(cause: unknown): boolean {
  return nameOf(cause) === "TimeoutError";
}

/** Returns the type and the message of a cause for the console. Masks secrets in addresses. Never throws. */
export function describeCause(cause: unknown): string {
  const message = maskSecrets(messageOf(cause));
  return message.startsWith("isotel: ")
    ? message.slice("isotel: ".length)
    : `${errorType(cause)}: ${message}`;
}

function messageOf(cause: unknown): string {
  try {
    return String((cause as { message?: unknown } | undefined)?.message ?? cause);
  } catch {
    return "no message";
  }
}

/** The texts that may be an `error.type`. Others may hold anything, and be different for each error. */
const typeName = /^[A-Za-z_$][\w.$:-]{0,63}$/;

/**
 * Returns the `error.type` of a cause. Never the message.
 *
 * - An Error: its name, or `Error` if the name is longer than 64 characters or has others than those of identifiers.
 * - Another object: its `type`, or that of its `error`. Providers send such errors in their streams.
 * - Any other value: its `typeof`.
 */
export function errorType(cause: unknown): string {
  if (isError(cause)) {
    const name = typeIn(cause, "name") ?? "Error";
    // The AI SDK wraps the errors of streams that are no Error.
    return name === "AI_StreamProviderError" ? (typeIn(cause, "type") ?? name) : name;
  }
  return typeIn(cause, "type") ?? typeIn(valueIn(cause, "error"), "type") ?? typeof cause;
}

function typeIn(cause: unknown, key: string): string | undefined {
  const type = valueIn(cause, key);
  return typeof type === "string" && typeName.test(type) ? type : undefined;
}

// Causes are user objects: a getter or a proxy may throw.
function isError(cause: unknown): boolean {
  try {
    return cause instanceof Error;
  } catch {
    return false;
  }
}

function nameOf(cause: unknown): unknown {
  return valueIn(cause, "name");
}

function valueIn(cause: unknown, key: string): unknown {
  if (typeof cause !== "object" || cause === null) return undefined;
  try {
    return (cause as Readonly<Record<string, unknown>>)[key];
  } catch {
    return undefined;
  }
}

/** How a body ended: the value it returned or the cause it threw. */
export type Outcome = { readonly result: unknown } | { readonly cause: unknown };

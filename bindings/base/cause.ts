import { maskSecrets } from "./address.ts";

/**
 * Whether a cause is a cancellation: the caller or the runtime aborted the work. Checks `name`, because a DOMException
 * is not always an Error.
 */
export function isCancellation(cause: unknown): boolean {
  return nameOf(cause) === "AbortError";
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

/** Returns the `error.type` of a cause: the name of an Error, or `typeof` of any other value. Never the message. */
export function errorType(cause: unknown): string {
  if (!isError(cause)) return typeof cause;
  const name = nameOf(cause);
  return typeof name === "string" && name !== "" ? name : "Error";
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
  if (typeof cause !== "object" || cause === null) return undefined;
  try {
    return (cause as { name?: unknown }).name;
  } catch {
    return undefined;
  }
}

/** How a body ended: the value it returned or the cause it threw. */
export type Outcome = { readonly result: unknown } | { readonly cause: unknown };

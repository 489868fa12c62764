import { maskSecrets } from "./address.ts";

/**
 * Whether a cause is a cancellation: the caller or the runtime aborted the work. Told by `name`, because a
 * DOMException is not always an Error.
 */
export function isCancellation(cause: unknown): boolean {
  return nameOf(cause) === "AbortError";
}

/** A cause for a message on the console: its type and what it says, without secrets of addresses. Never throws. */
export function describeCause(cause: unknown): string {
  const said = maskSecrets(messageOf(cause));
  return said.startsWith("isotel: ")
    ? said.slice("isotel: ".length)
    : `${errorType(cause)}: ${said}`;
}

function messageOf(cause: unknown): string {
  try {
    return String((cause as { message?: unknown } | undefined)?.message ?? cause);
  } catch {
    return "no message";
  }
}

/** error.type of a cause: the name of an Error, `typeof` of anything else. Never its message. */
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

/** How a body ended: with what it returned, or what it threw. */
export type Outcome = { readonly result: unknown } | { readonly cause: unknown };

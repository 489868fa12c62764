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

import { reportOnce } from "../core/report_once.ts";
import { shapeOf } from "../metrics/shape.ts";

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

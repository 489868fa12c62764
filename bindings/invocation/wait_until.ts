import { reportOnce } from "../base/report_once.ts";
import { isThenable } from "../base/values.ts";
import { currentScope } from "../trace/invocation_scope.ts";

type WaitUntil = (this: unknown, ...args: unknown[]) => unknown;

/** Contexts that are watched, with their `waitUntil` as it was. */
const watched = new WeakMap<object, WaitUntil>();
const { prototype } = Promise;

/**
 * Makes what is given to `context.waitUntil` hold the scope it is given in.
 *
 * @param context the third argument of a handler, or the first of a constructor; anything without `waitUntil` is
 * ignored.
 */
export function watchWaitUntil(context: unknown): void {
  if (typeof context !== "object" || context === null || watched.has(context)) return;
  try {
    const { waitUntil } = context as { waitUntil?: unknown };
    if (typeof waitUntil !== "function") return;
    // On the object itself: it is the runtime's own, which a copy or a proxy is not.
    Object.defineProperty(context, "waitUntil", {
      value: watching(waitUntil as WaitUntil),
      configurable: true,
      writable: true,
    });
    watched.set(context, waitUntil as WaitUntil);
  } catch (cause) {
    // A context that cannot be changed: what it is given stays unseen.
    reportOnce(
      "isotel: ctx.waitUntil cannot be watched; spans in its work may end too early.",
      cause,
    );
  }
}

/** `waitUntil` of a watched context as it was: what it is given holds no scope. Undefined for any other. */
export function unwatchedWaitUntil(
  context: unknown,
): ((work: Promise<unknown>) => void) | undefined {
  if (typeof context !== "object" || context === null) return undefined;
  const original = watched.get(context);
  return original && ((work) => void Reflect.apply(original, context, [work]));
}

/** `waitUntil` as it is: whatever the runtime throws at a call, such as one without `this`, it still throws. */
function watching(original: WaitUntil): WaitUntil {
  return function waitUntil(this: unknown, ...args: unknown[]): unknown {
    // A `then` of somebody else's may start the work: the runtime calls it once, and so it has to stay.
    const isForeign = !(args[0] instanceof Promise) && isThenable(args[0]);
    const work: unknown = isForeign ? Promise.resolve(args[0]) : args[0];
    const answer = Reflect.apply(original, this, isForeign ? [work, ...args.slice(1)] : args);
    if (work instanceof Promise) holdScope(work);
    return answer;
  };
}

function holdScope(work: Promise<unknown>): void {
  const release = currentScope()?.retain();
  if (release === undefined) return;
  try {
    // The runtime looks at the promise itself too, not at what a subclass makes of `then`.
    prototype.then.call(work, release, release);
  } catch {
    release();
  }
}

import { reportOnce } from "../base/report_once.ts";
import { shared } from "../base/shared.ts";
import { isThenable } from "../base/values.ts";
import { currentScope } from "../trace/invocation_scope.ts";

type WaitUntil = (this: unknown, ...args: unknown[]) => unknown;

/** Contexts that are watched, with their original `waitUntil`. */
const watched = shared("watched contexts", () => new WeakMap<object, WaitUntil>());
const { prototype } = Promise;

/**
 * Wraps `context.waitUntil`, so that its promises keep the current scope open.
 *
 * @param context the third argument of a handler, or the first of a constructor. Values without `waitUntil` are
 * ignored.
 */
export function watchWaitUntil(context: unknown): void {
  if (typeof context !== "object" || context === null || watched.has(context)) return;
  try {
    const { waitUntil } = context as { waitUntil?: unknown };
    if (typeof waitUntil !== "function") return;
    // Replaced on the object itself: the runtime rejects a copy or a proxy of the context.
    Object.defineProperty(context, "waitUntil", {
      value: watching(waitUntil as WaitUntil),
      configurable: true,
      writable: true,
    });
    watched.set(context, waitUntil as WaitUntil);
  } catch (cause) {
    // The context cannot be changed, so its promises are not seen.
    reportOnce(
      "isotel: ctx.waitUntil cannot be watched; spans in its work may end too early.",
      cause,
    );
  }
}

/**
 * Returns the original `waitUntil` of a watched context, which does not keep a scope open. Returns undefined for other
 * values.
 */
export function unwatchedWaitUntil(
  context: unknown,
): ((work: Promise<unknown>) => void) | undefined {
  if (typeof context !== "object" || context === null) return undefined;
  const original = watched.get(context);
  return original && ((work) => void Reflect.apply(original, context, [work]));
}

/** Returns a wrapper of `waitUntil`. It throws whatever the original throws, for example when called without `this`. */
function watching(original: WaitUntil): WaitUntil {
  // Defined as a method, because minification keeps its name.
  const { waitUntil } = {
    waitUntil(this: unknown, ...args: unknown[]): unknown {
      // The `then` of another library may start the work, so it must be called only once, as the runtime would.
      const isForeign = !(args[0] instanceof Promise) && isThenable(args[0]);
      const work: unknown = isForeign ? Promise.resolve(args[0]) : args[0];
      const answer = Reflect.apply(original, this, isForeign ? [work, ...args.slice(1)] : args);
      if (work instanceof Promise) holdScope(work);
      return answer;
    },
  };
  return waitUntil;
}

function holdScope(work: Promise<unknown>): void {
  const release = currentScope()?.retain();
  if (release === undefined) return;
  try {
    // The runtime waits for the promise itself, so this does not call a `then` that a subclass overrides.
    prototype.then.call(work, release, release);
  } catch {
    release();
  }
}

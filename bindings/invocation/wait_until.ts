import { currentScope } from "../trace/invocation_scope.ts";

const watched = new WeakSet<object>();

/**
 * Makes what is given to `context.waitUntil` hold the scope it is given in.
 *
 * @param context the third argument of a handler, or `ctx` of an object; anything without `waitUntil` is ignored.
 */
export function watchWaitUntil(context: unknown): void {
  if (typeof context !== "object" || context === null || watched.has(context)) return;
  const { waitUntil } = context as { waitUntil?: unknown };
  if (typeof waitUntil !== "function") return;
  watched.add(context);
  try {
    // On the object itself: it is the runtime's own, which a copy or a proxy is not.
    Object.defineProperty(context, "waitUntil", {
      value(promise: unknown): void {
        waitUntil.call(context, promise);
        const release = currentScope()?.retain();
        if (release !== undefined) Promise.resolve(promise).then(release, release);
      },
      configurable: true,
      writable: true,
    });
  } catch {
    // A context that cannot be changed: what it is given stays unseen.
  }
}

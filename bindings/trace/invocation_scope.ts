import { AsyncLocalStorage } from "node:async_hooks";
import { isThenable } from "../base/values.ts";
import type { Core, SpanOwner } from "../core/core.ts";

/** Tracks the spans of one invocation, so that each of them ends with it at the latest. */
export class InvocationScope {
  /** Whether the invocation returned a response whose body may still be streaming. */
  sendsBody = false;
  #handles: [Core, number][] = [];
  #ended = false;
  #holds = 0;

  get ended(): boolean {
    return this.#ended;
  }

  /** Prevents the scope from ending until the returned function is called. The last such call ends the scope. */
  retain(): () => void {
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      if (this.#holds === 0 && !this.#ended) this.end();
    };
  }

  /**
   * Returns the core's handle of this scope, opened for its first span. Returns 0, no handle, after the scope has
   * ended.
   */
  handleIn(core: Core): number {
    if (this.#ended) return 0;
    for (const [known, handle] of this.#handles) if (known === core) return handle;
    const handle = core.openScope();
    this.#handles.push([core, handle]);
    return handle;
  }

  /** Ends the scope. Truncates, newest first, its open spans that are bounded or abandoned. */
  end(): void {
    this.#ended = true;
    for (const [core, handle] of this.#handles) {
      for (const span of this.#openSpans(core, handle)) {
        if (span.bounded || span.isAbandoned?.() === true) span.truncate();
      }
      core.closeScope(handle);
    }
    this.#handles = [];
  }

  #openSpans(core: Core, scope: number): SpanOwner[] {
    const handles = core.scopeSpans(scope, false);
    const owners = core.isAlive
      ? handles.map((handle) => core.ownerOf(handle))
      : // This core has trapped, so its list of spans is gone.
        core.owners.filter((owner) => owner?.scope === this);
    return owners.filter((owner) => owner !== undefined);
  }
}

const current = new AsyncLocalStorage<InvocationScope>();

/** Returns the scope of the current invocation, if any. */
export function currentScope(): InvocationScope | undefined {
  return current.getStore();
}

// The result is a user's object. A proxy may throw at any access.
function isResponseWithBody(result: unknown): boolean {
  try {
    return result instanceof Response && result.body !== null;
  } catch {
    return false;
  }
}

/** Runs `body` in a scope. The scope ends when the body has settled and no caller of `retain` holds it. */
function runInScope<T>(scope: InvocationScope, body: () => T): T {
  return current.run(scope, () => {
    const release = scope.retain();
    const settled = <R>(result: R): R => {
      scope.sendsBody = isResponseWithBody(result);
      release();
      return result;
    };
    let result: T;
    try {
      result = body();
    } catch (cause) {
      release();
      throw cause;
    }
    if (!isThenable(result)) return settled(result);
    return Promise.resolve(result).then(settled, (cause: unknown) => {
      release();
      throw cause;
    }) as T;
  });
}

/** Options of {@link withInvocationScope}. */
export interface InvocationScopeOptions {
  /** Opens a new scope even inside a live one, for example for an alarm that a request started. Default: false. */
  readonly detached?: boolean;
}

/**
 * Runs `body` as one invocation. When the body settles, open spans with `boundToInvocation` end, and so do open spans
 * that no code can end any more. Both are marked with `cloudflare.agents.span.truncated`. Inside a live scope, `body`
 * joins that scope, and its spans end with it.
 *
 * @returns the result of `body`. A promise settles as the promise of `body` does.
 */
export function withInvocationScope<T>(body: () => T, options?: InvocationScopeOptions): T {
  const outer = current.getStore();
  if (outer !== undefined && !outer.ended && options?.detached !== true) return body();
  return runInScope(new InvocationScope(), body);
}

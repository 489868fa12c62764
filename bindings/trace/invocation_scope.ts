import { AsyncLocalStorage } from "node:async_hooks";
import { isThenable } from "../base/values.ts";
import type { Core, SpanOwner } from "../core/core.ts";

/** The spans of one invocation, so that none of them outlives it unseen. */
export class InvocationScope {
  /** Whether it ended by handing over a response whose body may still be produced. */
  sendsBody = false;
  #handles: [Core, number][] = [];
  #ended = false;
  #holds = 0;

  get ended(): boolean {
    return this.#ended;
  }

  /** Keeps the scope from ending until the function it returns is called; the last such call ends it. */
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

  /** The core's handle of this scope, made when the first span needs it; 0, which is none, once the scope has ended. */
  handleIn(core: Core): number {
    if (this.#ended) return 0;
    for (const [known, handle] of this.#handles) if (known === core) return handle;
    const handle = core.openScope();
    this.#handles.push([core, handle]);
    return handle;
  }

  /** Truncates, newest first, the spans still open that are bounded or that nobody would end. */
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
      : // The core that knew them has trapped.
        core.owners.filter((owner) => owner?.scope === this);
    return owners.filter((owner) => owner !== undefined);
  }
}

const current = new AsyncLocalStorage<InvocationScope>();

/** The scope of the invocation that is running, if it has one. */
export function currentScope(): InvocationScope | undefined {
  return current.getStore();
}

// What a body returns is the user's own: a proxy may throw whatever it is asked.
function isResponseWithBody(result: unknown): boolean {
  try {
    return result instanceof Response && result.body !== null;
  } catch {
    return false;
  }
}

/** Runs `body` in a scope that ends when it settles, and when nothing else holds it any more. */
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
  /** Gives the body a scope of its own even inside a live one, e.g. for an alarm started by a request. */
  readonly detached?: boolean;
}

/**
 * Runs `body` as one invocation. Spans opened inside with `boundToInvocation` that are still open when the body
 * settles are ended there and marked `cloudflare.agents.span.truncated`. Inside a scope that is still live, the
 * outermost one counts.
 *
 * @returns what `body` returns; a promise settles as the body's does.
 */
export function withInvocationScope<T>(body: () => T, options?: InvocationScopeOptions): T {
  const outer = current.getStore();
  if (outer !== undefined && !outer.ended && options?.detached !== true) return body();
  return runInScope(new InvocationScope(), body);
}

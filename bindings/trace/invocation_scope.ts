import { AsyncLocalStorage } from "node:async_hooks";
import { publishRecorded, recordedByOthers, shared } from "../base/shared.ts";
import { isThenable } from "../base/values.ts";
import type { Core, SpanOwner } from "../core/core.ts";

/**
 * Bits for what is recorded of an invocation. Copies of other versions read them: the value of a bit may not change.
 */
export const Recorded = { duration: 1, genAi: 2, span: 4 } as const;

/** Tracks the spans of one invocation, so that each of them ends with it at the latest. */
export class InvocationScope {
  /** Whether the invocation returned a response whose body may still be streaming. */
  sendsBody = false;
  /** Whether a handler that is running sends the metrics of the invocation. */
  sendsMetrics = false;
  /** Whether the invocation carries or serves metrics. It is not measured itself. */
  isTransport = false;
  /** What is recorded of the invocation, as bits of {@link Recorded}. */
  recorded = 0;
  /** Called when the runtime stops the invocation, after its spans were truncated. */
  onAbandon: (() => void) | undefined;
  #handles: [Core, number][] = [];
  #ended = false;
  #isAbandoned = false;
  #holds = 0;
  /** The spans that stay open after the end of the scope. */
  #left: SpanOwner[] = [];

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

  /**
   * Truncates all open spans, newest first, because the client has gone and the runtime stops the invocation. If
   * promises keep the scope open, the invocation continues until they have settled.
   *
   * @param isRunning whether the handler has not returned yet.
   */
  abandon(isRunning: boolean): void {
    this.#isAbandoned = true;
    if (this.#holds > (isRunning ? 1 : 0)) return;
    if (!this.#ended) this.end();
    for (const span of this.#left.splice(0)) span.truncate();
    this.onAbandon?.();
  }

  /** Ends the scope. Truncates, newest first, its open spans that are bounded or abandoned. */
  end(): void {
    this.#ended = true;
    for (const [core, handle] of this.#handles) {
      for (const span of this.#openSpans(core, handle)) {
        if (this.#isAbandoned || span.bounded || span.isAbandoned?.() === true) span.truncate();
        else this.#left.push(span);
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

const current = shared("scope", () => new AsyncLocalStorage<InvocationScope>());

/** Returns the scope of the current invocation, if any. */
export function currentScope(): InvocationScope | undefined {
  return current.getStore();
}

/** Returns the scope of the current invocation, unless it has ended. */
function liveScope(): InvocationScope | undefined {
  const scope = current.getStore();
  return scope?.ended === false ? scope : undefined;
}

const ownRecorded = (): number => liveScope()?.recorded ?? 0;
publishRecorded(ownRecorded);

/** Returns what any copy of this package records of the current invocation, as bits of {@link Recorded}. */
export function recordedHere(): number {
  return ownRecorded() | recordedByOthers();
}

// The result is a user's object. A proxy may throw at any access.
function isResponseWithBody(result: unknown): boolean {
  try {
    return result instanceof Response && result.body !== null;
  } catch {
    return false;
  }
}

/**
 * Returns the signal that aborts when the client of a request disconnects. Undefined for other events. Before the
 * compatibility date 2026-11-17, the signal aborts only with the compatibility flag `enable_request_signal`.
 */
function disconnectionOf(event: unknown): AbortSignal | undefined {
  try {
    return event instanceof Request ? event.signal : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs `body` in a scope. The scope ends when the body has settled and every function returned by `retain` has been
 * called.
 */
function runInScope<T>(scope: InvocationScope, event: unknown, body: () => T): T {
  return current.run(scope, () => {
    const release = scope.retain();
    let isRunning = true;
    disconnectionOf(event)?.addEventListener("abort", () => scope.abandon(isRunning), {
      once: true,
    });
    const settled = <R>(result: R): R => {
      isRunning = false;
      scope.sendsBody = isResponseWithBody(result);
      release();
      return result;
    };
    let result: T;
    try {
      result = body();
    } catch (cause) {
      isRunning = false;
      release();
      throw cause;
    }
    if (!isThenable(result)) return settled(result);
    return Promise.resolve(result).then(settled, (cause: unknown) => {
      isRunning = false;
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
  return options?.detached === true
    ? runInScope(new InvocationScope(), undefined, body)
    : runInInvocationScope(undefined, body);
}

/** Like {@link withInvocationScope}, for a call of the runtime. `event` is the first argument of the handler. */
export function runInInvocationScope<T>(event: unknown, body: () => T): T {
  if (liveScope() !== undefined) return body();
  return runInScope(new InvocationScope(), event, body);
}

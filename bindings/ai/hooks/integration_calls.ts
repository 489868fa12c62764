import { AsyncLocalStorage } from "node:async_hooks";
import type { Telemetry } from "../../trace/telemetry.ts";

/** A traced call of an SDK function. */
export interface TracedCall {
  /** Ends the call as truncated, because its end was not observed. */
  truncate(): void;
}

interface Entry {
  readonly owner: object;
  readonly call: TracedCall;
}

const maxOpenCalls = 1000;

/**
 * The traced calls of an isolate by the SDK's `callId`. A call belongs to the first owner that adds it. Two
 * integrations, or an integration and the channel, therefore do not trace it twice. Above the limit, the least recently
 * used call is truncated and counted.
 */
class OpenCalls {
  readonly #entries = new Map<string, Entry>();

  /**
   * Adds the call that `open` returns. Does nothing if another owner has the call.
   *
   * @param open Receives a function to call when the call ends.
   */
  add(
    telemetry: Telemetry,
    callId: string,
    owner: object,
    open: (onClose: () => void) => TracedCall | undefined,
  ): void {
    const known = this.#entries.get(callId);
    if (known !== undefined) {
      if (known.owner !== owner) return;
      // The user may replace the generator of ids, so an id may repeat. A repeated id starts a new call.
      known.call.truncate();
    }
    let entry: Entry | undefined;
    const call = open(() => {
      if (entry !== undefined && this.#entries.get(callId) === entry) this.#entries.delete(callId);
    });
    if (call === undefined) return;
    entry = { owner, call };
    this.#entries.set(callId, entry);
    if (this.#entries.size > maxOpenCalls) this.#evict(telemetry);
  }

  /** Returns whether the call is traced. */
  has(callId: string): boolean {
    return this.#entries.has(callId);
  }

  /** Returns the open call if `owner` has it. */
  get(callId: unknown, owner: object): TracedCall | undefined {
    if (typeof callId !== "string") return undefined;
    const entry = this.#entries.get(callId);
    if (entry?.owner !== owner) return undefined;
    this.#entries.delete(callId);
    this.#entries.set(callId, entry);
    return entry.call;
  }

  /** Truncates all calls of an owner. */
  drop(telemetry: Telemetry, owner: object): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.owner === owner) telemetry.guard(() => entry.call.truncate());
    }
  }

  #evict(telemetry: Telemetry): void {
    for (const [callId, { call }] of this.#entries) {
      this.#entries.delete(callId);
      telemetry.countEvicted();
      telemetry.guard(() => call.truncate());
      return;
    }
  }
}

/** Shared by all integrations of an isolate. */
export const openCalls: OpenCalls = new OpenCalls();

interface Claim {
  isTaken: boolean;
}

const claims = new AsyncLocalStorage<Claim>();
let isListening = false;

/** Sets whether the channel is traced. Otherwise no claims are made, because only its tracer reads them. */
export function setListening(value: boolean): void {
  isListening = value;
}

/** Runs a call that is already traced, so that the tracer of the channel does not trace it too. */
export function runClaimed<T>(body: () => T): T {
  return isListening ? claims.run({ isTaken: false }, body) : body();
}

/**
 * Returns whether the call that starts here is already traced. Returns true once for each claim, because calls inside
 * it are separate.
 */
export function takeClaim(): boolean {
  const claim = claims.getStore();
  if (claim === undefined || claim.isTaken) return false;
  claim.isTaken = true;
  return true;
}

/**
 * Drops the claim of the call that is running. Model calls and tools drop it, because they start after the call that
 * contains them. The channel may never have announced it: it announces no calls of v6.
 */
export function dropClaim(): void {
  takeClaim();
}

/** A result that a later event supplies. It notifies its waiter synchronously, not a microtask later. */
export class AwaitedResult implements PromiseLike<unknown> {
  #fulfilled: ((value: unknown) => unknown) | null | undefined;
  #rejected: ((cause: unknown) => unknown) | null | undefined;

  /** Sets the only waiter. */
  // biome-ignore lint/suspicious/noThenProperty: it stands in for the promise of a call.
  then<A, B>(
    fulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    rejected?: ((cause: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    this.#fulfilled = fulfilled;
    this.#rejected = rejected;
    return this as unknown as PromiseLike<never>;
  }

  fulfil(value: unknown): void {
    const { fulfilled } = this.#take();
    fulfilled?.(value);
  }

  reject(cause: unknown): void {
    const { rejected } = this.#take();
    try {
      rejected?.(cause);
    } catch {
      // The waiter rethrows to its caller. There is no caller here.
    }
  }

  #take() {
    const taken = { fulfilled: this.#fulfilled, rejected: this.#rejected };
    this.#fulfilled = undefined;
    this.#rejected = undefined;
    return taken;
  }
}

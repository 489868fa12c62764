import { AsyncLocalStorage } from "node:async_hooks";
import type { Telemetry } from "../../trace/telemetry.ts";

/** A call of an SDK function that is being traced. */
export interface TracedCall {
  /** Ends it as one whose end was not seen. */
  truncate(): void;
}

interface Entry {
  readonly owner: object;
  readonly call: TracedCall;
}

const maxOpenCalls = 1000;

/**
 * The traced calls of an isolate by the SDK's `callId`. Each belongs to who was told of it first, so that two adapters,
 * or an adapter and the channel, do not trace it twice. Of too many, the least recently used is given up and counted.
 */
class OpenCalls {
  readonly #entries = new Map<string, Entry>();

  /** Adds the call that `open` gives, unless another owner has it. `open` gets what to call as the call ends. */
  add(
    telemetry: Telemetry,
    callId: string,
    owner: object,
    open: (onClose: () => void) => TracedCall | undefined,
  ): void {
    const known = this.#entries.get(callId);
    if (known !== undefined) {
      if (known.owner !== owner) return;
      // Ids come from a generator that can be replaced: one that repeats begins anew.
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

  /** Whether anyone traces the call. */
  has(callId: string): boolean {
    return this.#entries.has(callId);
  }

  /** The open call, if it is this owner's. */
  get(callId: unknown, owner: object): TracedCall | undefined {
    if (typeof callId !== "string") return undefined;
    const entry = this.#entries.get(callId);
    if (entry?.owner !== owner) return undefined;
    this.#entries.delete(callId);
    this.#entries.set(callId, entry);
    return entry.call;
  }

  /** Gives up every call of an owner. */
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

/** One for all adapters of an isolate. */
export const openCalls: OpenCalls = new OpenCalls();

interface Claim {
  isTaken: boolean;
}

const claims = new AsyncLocalStorage<Claim>();
let isListening = false;

/** Says whether the channel is being traced; without it nobody asks for claims and none are made. */
export function setListening(value: boolean): void {
  isListening = value;
}

/** Runs a call of a v7 function that is traced already: what the channel says of it belongs to its tracer. */
export function runClaimed<T>(body: () => T): T {
  return isListening ? claims.run({ isTaken: false }, body) : body();
}

/** Whether the call that starts here is traced already. True once for each claim: calls inside are their own. */
export function takeClaim(): boolean {
  const claim = claims.getStore();
  if (claim === undefined || claim.isTaken) return false;
  claim.isTaken = true;
  return true;
}

/** A result that an event will tell of. Whoever waits for it hears of it at once, not a microtask later. */
export class AwaitedResult implements PromiseLike<unknown> {
  #fulfilled: ((value: unknown) => unknown) | null | undefined;
  #rejected: ((cause: unknown) => unknown) | null | undefined;

  /** Sets the one who waits. */
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
      // It is handed on to a caller, of which there is none.
    }
  }

  #take() {
    const taken = { fulfilled: this.#fulfilled, rejected: this.#rejected };
    this.#fulfilled = undefined;
    this.#rejected = undefined;
    return taken;
  }
}

import type { Telemetry } from "../trace/telemetry.ts";

/** A call of an SDK function that is being traced. */
export interface TracedCall {
  /** Called once, when the call has ended. */
  onClose: (() => void) | undefined;
  /** Ends it as one whose end was not seen. */
  truncate(): void;
}

const maxOpenCalls = 1000;

interface Entry {
  readonly owner: object;
  readonly call: TracedCall;
}

/**
 * The traced calls of an isolate by the SDK's `callId`. Each belongs to who was told of it first, so that two adapters,
 * or an adapter and the channel, do not trace it twice. Of too many open ones the least recently used is given up.
 */
export class OpenCalls {
  readonly #entries = new Map<string, Entry>();
  readonly #limit: number;

  constructor(limit: number = maxOpenCalls) {
    this.#limit = limit;
  }

  /** Adds the call that `open` gives, unless another owner has it. */
  add(
    telemetry: Telemetry,
    callId: string,
    owner: object,
    open: () => TracedCall | undefined,
  ): void {
    const known = this.#entries.get(callId);
    if (known !== undefined) {
      if (known.owner !== owner) return;
      // Identifiers are the SDK's, or those of a generator given to it: one that repeats begins anew.
      known.call.truncate();
    }
    const call = open();
    if (call === undefined) return;
    const entry = { owner, call };
    this.#entries.set(callId, entry);
    call.onClose = () => {
      if (this.#entries.get(callId) === entry) this.#entries.delete(callId);
    };
    if (this.#entries.size > this.#limit) this.#evict(telemetry);
  }

  /** The open call, if it is this owner's. */
  get(callId: unknown, owner: object): TracedCall | undefined {
    const entry = this.#entries.get(callId as string);
    if (entry?.owner !== owner) return undefined;
    this.#entries.delete(callId as string);
    this.#entries.set(callId as string, entry);
    return entry.call;
  }

  /** Gives up every call of an owner. */
  drop(telemetry: Telemetry, owner: object): void {
    for (const [callId, entry] of this.#entries) {
      if (entry.owner !== owner) continue;
      this.#entries.delete(callId);
      telemetry.guard(() => entry.call.truncate());
    }
  }

  #evict(telemetry: Telemetry): void {
    const [oldest] = this.#entries;
    if (oldest === undefined) return;
    const [callId, { call }] = oldest;
    this.#entries.delete(callId);
    telemetry.countEvicted();
    telemetry.guard(() => call.truncate());
  }
}

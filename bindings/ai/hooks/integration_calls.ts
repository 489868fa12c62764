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
export class OpenCalls {
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

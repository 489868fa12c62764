import { backoffMs } from "./sender.ts";

const firstDelayMs = 1_000;
const maxDelayMs = 60_000;
/** The runtime ended an invocation that has not reported this many milliseconds after the end of its time. */
export const graceMs = 5_000;

/** The right of one invocation to wait for the next attempt and to make it. */
export interface Turn {
  readonly untilUnixMs: number;
}

/**
 * Decides when a destination may be sent to. All invocations of an isolate share it.
 *
 * The circuit is closed until a request fails temporarily. Then it is open: nobody sends until the back-off is over,
 * and then only one invocation does, until an attempt is answered. A circuit belongs to one signal of one backend.
 * Vendors count quotas for each signal and receive each in a separate system: logs must not wait for a quota of traces.
 */
export class Circuit {
  /** Consecutive attempts that failed, without those that were under way when the circuit opened. */
  #failures = 0;
  #dueUnixMs = 0;
  #turn: Turn | undefined;
  #epoch = 0;

  get isClosed(): boolean {
    return this.#failures === 0;
  }

  /** Time of the next attempt. Only valid if the circuit is not closed. */
  get dueUnixMs(): number {
    return this.#dueUnixMs;
  }

  /** Identifies the state in which a request starts. An outcome of an earlier state does not change the circuit. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Returns the turn for the next attempt. Returns undefined if another invocation has it. */
  takeTurn(nowUnixMs: number, deadlineUnixMs: number): Turn | undefined {
    if (this.#turn !== undefined && nowUnixMs <= this.#turn.untilUnixMs) return undefined;
    this.#turn = { untilUnixMs: deadlineUnixMs + graceMs };
    return this.#turn;
  }

  leave(turn: Turn): void {
    if (this.#turn === turn) this.#turn = undefined;
  }

  /** Notes that the backend answered, whether it took the items or refused them for good. */
  answered(epoch: number): void {
    if (epoch !== this.#epoch || this.isClosed) return;
    this.#failures = 0;
    this.#epoch += 1;
  }

  /**
   * Notes a temporary failure.
   *
   * @param retryAfterMs The pause that the backend asked for.
   */
  failed(epoch: number, nowUnixMs: number, retryAfterMs: number, random: () => number): void {
    let waitMs = retryAfterMs;
    if (epoch === this.#epoch) {
      this.#failures += 1;
      this.#epoch += 1;
      waitMs = Math.max(waitMs, backoffMs(this.#failures, random, firstDelayMs, maxDelayMs));
    }
    this.#dueUnixMs = Math.max(this.#dueUnixMs, nowUnixMs + waitMs);
  }
}

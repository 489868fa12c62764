import type { CollectorCounts } from "./counts.ts";
import { limits } from "./counts.ts";

type TailEvent = TailStream.TailEvent<TailStream.EventType>;

/**
 * Orders the events of one invocation by their sequence numbers. An early event waits for the events before it while
 * there is room. After that they count as missing.
 */
export class Sequencer {
  readonly #counts: CollectorCounts;
  readonly #apply: (event: TailEvent) => void;
  #next: number;
  readonly #early: TailEvent[] = [];
  #isApplying = false;

  /** @param first Sequence number of the event that was already taken. */
  constructor(first: number, counts: CollectorCounts, apply: (event: TailEvent) => void) {
    this.#next = first + 1;
    this.#counts = counts;
    this.#apply = apply;
  }

  take(event: TailEvent): void {
    // User code runs while an event is applied. If it passes in another event, that event waits until the current one
    // is applied.
    if (event.sequence !== this.#next || this.#isApplying) {
      this.#takeUnordered(event);
      return;
    }
    this.#applyNext(event);
    if (this.#early.length > 0) this.#takeFollowing();
  }

  /** Applies the waiting events. The events before them count as missing. */
  giveUp(): void {
    if (this.#isApplying) return;
    while (this.#early.length > 0) this.#skipGap();
  }

  #takeUnordered(event: TailEvent): void {
    const { sequence } = event;
    const isRepeated = this.#early.some((early) => early.sequence === sequence);
    // Also rejects NaN, which has no position.
    if (!(sequence >= this.#next) || isRepeated) {
      this.#counts.events_repeated += 1;
      return;
    }
    this.#early.push(event);
    this.#early.sort((a, b) => a.sequence - b.sequence);
    if (this.#early.length > limits.earlyEvents && !this.#isApplying) this.#skipGap();
  }

  #skipGap(): void {
    const first = (this.#early[0] as TailEvent).sequence;
    this.#counts.events_missing += first - this.#next;
    this.#next = first;
    this.#takeFollowing();
  }

  #takeFollowing(): void {
    while (this.#early[0]?.sequence === this.#next) {
      const event = this.#early.shift() as TailEvent;
      this.#applyNext(event);
    }
  }

  #applyNext(event: TailEvent): void {
    this.#next += 1;
    this.#isApplying = true;
    try {
      this.#apply(event);
    } finally {
      this.#isApplying = false;
    }
  }
}

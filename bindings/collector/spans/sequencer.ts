import type { CollectorCounts } from "./counts.ts";
import { limits } from "./counts.ts";

type TailEvent = TailStream.TailEvent<TailStream.EventType>;

/**
 * Brings the events of one invocation into the order of their numbers. One that is early waits for those before it, as
 * long as there is room; then they are taken for lost.
 */
export class Sequencer {
  readonly #counts: CollectorCounts;
  readonly #apply: (event: TailEvent) => void;
  #next: number;
  readonly #early: TailEvent[] = [];
  #isApplying = false;

  /** @param first the number of the event that was taken already. */
  constructor(first: number, counts: CollectorCounts, apply: (event: TailEvent) => void) {
    this.#next = first + 1;
    this.#counts = counts;
    this.#apply = apply;
  }

  take(event: TailEvent): void {
    // User code runs while an event is applied: one that it hands in waits until that is done.
    if (event.sequence !== this.#next || this.#isApplying) {
      this.#takeUnordered(event);
      return;
    }
    this.#applyNext(event);
    if (this.#early.length > 0) this.#takeFollowing();
  }

  /** Takes what waits: those before it never come. */
  giveUp(): void {
    if (this.#isApplying) return;
    while (this.#early.length > 0) this.#skipGap();
  }

  #takeUnordered(event: TailEvent): void {
    const { sequence } = event;
    const isRepeated = this.#early.some((early) => early.sequence === sequence);
    // Not what a number is either: it has no place.
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

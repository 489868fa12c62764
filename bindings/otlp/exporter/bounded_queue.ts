/** Limits of a queue. */
export interface QueueLimits {
  readonly items: number;
  /** Sum of the sizes of the items. */
  readonly size: number;
}

/** An item with its place in the queue. */
export interface Entry<T> {
  readonly item: T;
  readonly size: number;
  /** Time at which the item was added. */
  readonly sinceUnixMs: number;
  /** Increases with each item. */
  readonly order: number;
}

/** A queue that drops its oldest items when it is full. */
export class BoundedQueue<T> {
  readonly #limits: QueueLimits;
  readonly #onDrop: (count: number) => void;
  #entries: Entry<T>[] = [];
  #size = 0;
  #added = 0;

  /** @param onDrop Called with the number of dropped items. */
  constructor(limits: QueueLimits, onDrop: (count: number) => void) {
    this.#limits = limits;
    this.#onDrop = onDrop;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Adds an item. Drops the item if it alone exceeds the limit of the queue. */
  push(item: T, size: number, sinceUnixMs: number): void {
    if (size > this.#limits.size) {
      this.#onDrop(1);
      return;
    }
    this.#added += 1;
    this.#size += size;
    this.#entries.push({ item, size, sinceUnixMs, order: this.#added });
    this.#shrink();
  }

  /**
   * Removes and returns the oldest items: at most `count` items of at most `size` together. The first item is returned
   * even if it is larger than `size`.
   */
  take(count: number, size: number): Entry<T>[] {
    let taken = 0;
    let left = size;
    for (const entry of this.#entries) {
      if (taken === count || (taken > 0 && entry.size > left)) break;
      left -= entry.size;
      taken += 1;
    }
    return this.#removeFirst(taken);
  }

  /** Returns items to their places. The queue drops the oldest if it has become full. */
  putBack(entries: readonly Entry<T>[]): void {
    for (const { size } of entries) this.#size += size;
    this.#entries = [...entries, ...this.#entries].sort((a, b) => a.order - b.order);
    this.#shrink();
  }

  /** Removes the items that were added before a time. Returns their number. */
  removeBefore(unixMs: number): number {
    const at = this.#entries.findIndex(({ sinceUnixMs }) => sinceUnixMs >= unixMs);
    return this.#removeFirst(at < 0 ? this.length : at).length;
  }

  #shrink(): void {
    let dropped = 0;
    let size = this.#size;
    while (this.length - dropped > this.#limits.items || size > this.#limits.size) {
      size -= this.#entries[dropped]?.size ?? 0;
      dropped += 1;
    }
    if (dropped > 0) this.#onDrop(this.#removeFirst(dropped).length);
  }

  #removeFirst(count: number): Entry<T>[] {
    const removed = this.#entries.splice(0, count);
    for (const { size } of removed) this.#size -= size;
    return removed;
  }
}

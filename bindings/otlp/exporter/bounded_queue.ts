/** Limits of a queue. */
export interface QueueLimits {
  readonly items: number;
  /** Sum of the sizes of the items. */
  readonly size: number;
}

/** A queue that drops its oldest items when it is full. */
export class BoundedQueue<T> {
  readonly #limits: QueueLimits;
  readonly #onDrop: (count: number) => void;
  #items: T[] = [];
  #sizes: number[] = [];
  #head = 0;
  #size = 0;

  /** @param onDrop Called with the number of dropped items. */
  constructor(limits: QueueLimits, onDrop: (count: number) => void) {
    this.#limits = limits;
    this.#onDrop = onDrop;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Adds an item. Drops the item if it alone exceeds the limit of the queue. */
  push(item: T, size: number): void {
    const { items, size: maxSize } = this.#limits;
    if (size > maxSize) {
      this.#onDrop(1);
      return;
    }
    let dropped = 0;
    while (this.length >= items || this.#size + size > maxSize) {
      this.#shift();
      dropped += 1;
    }
    if (dropped > 0) this.#onDrop(dropped);
    this.#items.push(item);
    this.#sizes.push(size);
    this.#size += size;
  }

  /**
   * Removes and returns the oldest items: at most `count` items of at most `size` together. The first item is returned
   * even if it is larger than `size`.
   */
  take(count: number, size: number): T[] {
    const taken: T[] = [];
    let left = size;
    while (taken.length < count && this.length > 0) {
      const next = this.#sizes[this.#head] as number;
      if (next > left && taken.length > 0) break;
      left -= next;
      taken.push(this.#shift());
    }
    return taken;
  }

  #shift(): T {
    const item = this.#items[this.#head] as T;
    this.#size -= this.#sizes[this.#head] as number;
    // Lets the garbage collector free the item.
    (this.#items as unknown[])[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length || this.#head >= this.#limits.items) {
      this.#items = this.#items.slice(this.#head);
      this.#sizes = this.#sizes.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** What a queue holds at most. */
export interface QueueLimits {
  readonly items: number;
  /** Of the sizes given with the items. */
  readonly size: number;
}

/** A queue that gives up its oldest items when it is full. */
export class BoundedQueue<T> {
  readonly #limits: QueueLimits;
  readonly #onDrop: (count: number) => void;
  #items: T[] = [];
  #sizes: number[] = [];
  #head = 0;
  #size = 0;

  /** @param onDrop told how many items were given up. */
  constructor(limits: QueueLimits, onDrop: (count: number) => void) {
    this.#limits = limits;
    this.#onDrop = onDrop;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Adds an item. One that is larger than all the queue may hold is given up itself. */
  push(item: T, size: number): void {
    const { items, size: most } = this.#limits;
    if (size > most) {
      this.#onDrop(1);
      return;
    }
    let dropped = 0;
    while (this.length >= items || this.#size + size > most) {
      this.#shift();
      dropped += 1;
    }
    if (dropped > 0) this.#onDrop(dropped);
    this.#items.push(item);
    this.#sizes.push(size);
    this.#size += size;
  }

  /** Takes the oldest items: at most `count`, and no more than `size` together unless the first alone is larger. */
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
    // Nothing keeps alive what has left.
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

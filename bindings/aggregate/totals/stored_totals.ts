import type { Aggregate, Notices } from "./aggregate.ts";
import { AggregationError } from "./aggregate.ts";
import { ChunkStore } from "./chunk_store.ts";

/** Stored totals exist and cannot be read. */
export class UnreadableTotalsError extends AggregationError {}

/**
 * The totals of one Durable Object, in memory and as chunks in its database.
 *
 * Every method is synchronous and atomic: when it returns, its changes are stored. When it throws, the copy in memory
 * is discarded and the next call loads it again. If the stored totals cannot be read, every call throws and nothing is
 * overwritten.
 */
export class StoredTotals {
  readonly #storage: DurableObjectStorage;
  readonly #create: () => Aggregate;
  #chunks: ChunkStore | undefined;
  #aggregate: Aggregate | undefined;
  #unreadable: UnreadableTotalsError | undefined;

  /** @param create Makes an empty aggregate. */
  constructor(storage: DurableObjectStorage, create: () => Aggregate) {
    this.#storage = storage;
    this.#create = create;
  }

  /** Adds frames. Returns AggregateAbi.applied, AggregateAbi.duplicate or an error code for each. */
  apply(frames: readonly unknown[], nowUnixMs: number): number[] {
    return this.#change((aggregate) =>
      frames.map((frame) =>
        // A value that is not bytes is counted like bytes that are not a frame.
        aggregate.apply(frame instanceof Uint8Array ? frame : new Uint8Array(), nowUnixMs),
      ),
    ).answer;
  }

  /** Removes producers and gauges whose time has passed. Returns whether there were any. */
  prune(nowUnixMs: number): boolean {
    return this.#change((aggregate) => aggregate.prune(nowUnixMs)).hasChanged;
  }

  /** Returns what frames brought since the last call. */
  notices(): Notices {
    return this.#open().aggregate.notices();
  }

  /**
   * Removes series that have expired.
   *
   * @param others Snapshots of the other shards.
   * @returns Whether a series was removed, and the time at which one may expire next. Undefined if none will.
   */
  expireSeries(
    nowUnixMs: number,
    others: readonly Uint8Array[],
  ): { hasRemoved: boolean; next: number | undefined } {
    const { removed, next } = this.#change((aggregate) => {
      aggregate.merge(others);
      const answer = aggregate.expireSeries(nowUnixMs, others.length > 0);
      aggregate.merge([]);
      return answer;
    }).answer;
    return { hasRemoved: removed > 0, next };
  }

  /** Removes the metrics with a name. Removes all metrics if there is no name. Returns the number of removed series. */
  drop(name: string | undefined, nowUnixMs: number): number {
    return this.#change((aggregate) => aggregate.drop(name, nowUnixMs)).answer;
  }

  /** Returns the time at which {@link prune} will next remove something. Undefined if there is nothing to remove. */
  nextPrune(): number | undefined {
    return this.#open().aggregate.nextPrune();
  }

  /**
   * Returns the newest totals. Stores their version before it returns.
   *
   * @param store Writes more in the same transaction.
   */
  snapshot(
    nowUnixMs: number,
    store?: (snapshot: Uint8Array<ArrayBuffer>) => void,
  ): Uint8Array<ArrayBuffer> {
    return this.#change((aggregate) => aggregate.snapshot(nowUnixMs), store).answer;
  }

  /**
   * Adds to counters of the host, see {@link Aggregate.count}.
   *
   * @param store Writes more in the same transaction.
   */
  count(amounts: readonly (readonly [counter: number, amount: number])[], store: () => void): void {
    this.#change((aggregate) => {
      for (const [counter, amount] of amounts) aggregate.count(counter, amount);
    }, store);
  }

  #change<T>(
    work: (aggregate: Aggregate) => T,
    store?: (answer: T) => void,
  ): { answer: T; hasChanged: boolean } {
    const { aggregate, chunks } = this.#open();
    try {
      const answer = work(aggregate);
      const changes = aggregate.changes();
      const hasChanged = changes.length > 0;
      if (hasChanged || store !== undefined) {
        this.#storage.transactionSync(() => {
          chunks.write(changes);
          store?.(answer);
        });
      }
      return { answer, hasChanged };
    } catch (cause) {
      this.#aggregate = undefined;
      throw cause;
    }
  }

  #open(): { aggregate: Aggregate; chunks: ChunkStore } {
    if (this.#unreadable !== undefined) throw this.#unreadable;
    this.#chunks ??= new ChunkStore(this.#storage.sql);
    this.#aggregate ??= this.#load(this.#chunks);
    return { aggregate: this.#aggregate, chunks: this.#chunks };
  }

  #load(chunks: ChunkStore): Aggregate {
    const aggregate = this.#create();
    try {
      aggregate.load(chunks.read());
    } catch (cause) {
      if (!(cause instanceof AggregationError) || cause.code === undefined) throw cause;
      const what = "the stored totals cannot be read and are left as they are";
      this.#unreadable = new UnreadableTotalsError(what, cause.code, cause);
      throw this.#unreadable;
    }
    return aggregate;
  }
}

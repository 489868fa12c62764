import type { Aggregate } from "./aggregate.ts";
import { AggregationError } from "./aggregate.ts";
import { ChunkStore } from "./chunk_store.ts";

/** Totals that are there and cannot be read. */
export class UnreadableTotalsError extends AggregationError {}

/**
 * The totals of one Durable Object: in memory, and as chunks in its database.
 *
 * Every method is synchronous and all or nothing: what it changed stands in the database when it returns. When it throws,
 * the memory is discarded and loaded anew by the next call. Totals that cannot be read make every call throw; they are
 * never written over.
 */
export class StoredTotals {
  readonly #storage: DurableObjectStorage;
  readonly #create: () => Aggregate;
  #chunks: ChunkStore | undefined;
  #aggregate: Aggregate | undefined;
  #unreadable: UnreadableTotalsError | undefined;

  /** @param create makes an empty aggregate. */
  constructor(storage: DurableObjectStorage, create: () => Aggregate) {
    this.#storage = storage;
    this.#create = create;
  }

  /** Adds frames: for each AggregateAbi.applied, AggregateAbi.duplicate, or the error it was refused with. */
  apply(frames: readonly unknown[], nowUnixMs: number): number[] {
    return this.#change((aggregate) =>
      frames.map((frame) =>
        // What is no bytes is counted like bytes that are no frame.
        aggregate.apply(frame instanceof Uint8Array ? frame : new Uint8Array(), nowUnixMs),
      ),
    ).answer;
  }

  /** Forgets producers and gauges that are past their time; whether there were any. */
  prune(nowUnixMs: number): boolean {
    return this.#change((aggregate) => aggregate.prune(nowUnixMs)).hasChanged;
  }

  /** When {@link prune} will next forget something; undefined when there is nothing to forget. */
  nextPrune(): number | undefined {
    return this.#open().aggregate.nextPrune();
  }

  /**
   * The newest totals; their version is stored before they are given out.
   *
   * @param store writes more in the same transaction.
   */
  snapshot(
    nowUnixMs: number,
    store?: (snapshot: Uint8Array<ArrayBuffer>) => void,
  ): Uint8Array<ArrayBuffer> {
    return this.#change((aggregate) => aggregate.snapshot(nowUnixMs), store).answer;
  }

  /** Adds to counters of the host, as {@link Aggregate.count} does. `store` writes more in the same transaction. */
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

import { report } from "../../base/report_once.ts";
import type { DurableObjectStorage } from "../../base/runtime_types.ts";
import type { Aggregate, Notices } from "./aggregate.ts";
import { AggregationError } from "./aggregate.ts";
import { ChunkStore } from "./chunk_store.ts";
import { ProducerArchive } from "./producer_archive.ts";

/** Stored totals exist and cannot be read. */
export class UnreadableTotalsError extends AggregationError {}

/** Number of archived producers that one pruning forgets at most. */
const maxExpired = 256;

/**
 * The totals of one Durable Object, in memory and in its database: as chunks, and a row for each producer that is not in
 * memory.
 *
 * Every method is synchronous and atomic: when it returns, its changes are stored. When it throws, the copy in memory
 * is discarded and the next call loads it again. If the stored totals cannot be read, every call throws and nothing is
 * overwritten. A record of a producer that cannot be read affects frames of this producer alone.
 */
export class StoredTotals {
  readonly #storage: DurableObjectStorage;
  readonly #create: () => Aggregate;
  #chunks: ChunkStore | undefined;
  #archive: ProducerArchive | undefined;
  #aggregate: Aggregate | undefined;
  #unreadable: UnreadableTotalsError | undefined;

  /** @param create Makes an empty aggregate. */
  constructor(storage: DurableObjectStorage, create: () => Aggregate) {
    this.#storage = storage;
    this.#create = create;
  }

  /** Adds frames. Returns AggregateAbi.applied, AggregateAbi.duplicate or an error code for each. */
  apply(frames: readonly unknown[], nowUnixMs: number): number[] {
    const damaged: Uint8Array[] = [];
    const results = this.#change(
      (aggregate, archive) => {
        // A value that is not bytes is counted like bytes that are not a frame.
        const all = frames.map((frame) => (frame instanceof Uint8Array ? frame : new Uint8Array()));
        for (const producer of archive.read(aggregate.missing(all))) {
          if (aggregate.restore(producer)) damaged.push(producer.id);
        }
        return all.map((frame) => aggregate.apply(frame, nowUnixMs));
      },
      (_results, archive) => {
        for (const id of damaged) archive.empty(id);
      },
    );
    if (damaged.length > 0) report(damagedLine(damaged.length));
    return results;
  }

  /**
   * Removes producers and gauges whose time has passed, and moves idle producers out of memory. Returns whether the
   * totals have changed.
   */
  prune(nowUnixMs: number): boolean {
    return this.#change((aggregate, archive) => {
      const hasChanged = aggregate.prune(nowUnixMs);
      // One row first: most of the time there is nothing to forget.
      const [oldest] = archive.oldest(1);
      if (oldest === undefined || !aggregate.expire(oldest, nowUnixMs)) return hasChanged;
      const [, ...others] = archive.oldest(maxExpired);
      others.every((producer) => aggregate.expire(producer, nowUnixMs));
      return true;
    });
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
    });
    return { hasRemoved: removed > 0, next };
  }

  /** Removes the metrics with a name. Removes all metrics if there is no name. Returns the number of removed series. */
  drop(name: string | undefined, nowUnixMs: number): number {
    return this.#change((aggregate) => aggregate.drop(name, nowUnixMs));
  }

  /** Returns the time at which {@link prune} will next have something to do. Undefined if there is nothing to do. */
  nextPrune(): number | undefined {
    const { aggregate, archive } = this.#open();
    return aggregate.nextPrune(archive.oldestUnixMs());
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
    return this.#change((aggregate) => aggregate.snapshot(nowUnixMs), store);
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
    work: (aggregate: Aggregate, archive: ProducerArchive) => T,
    store?: (answer: T, archive: ProducerArchive) => void,
  ): T {
    const { aggregate, chunks, archive } = this.#open();
    try {
      const answer = work(aggregate, archive);
      const changes = aggregate.changes();
      // Without a changed chunk nothing has changed: the first one counts the producers that are archived.
      if (changes.chunks.length > 0 || store !== undefined) {
        this.#storage.transactionSync(() => {
          store?.(answer, archive);
          chunks.write(changes.chunks);
          archive.write(changes);
        });
      }
      return answer;
    } catch (cause) {
      this.#aggregate = undefined;
      throw cause;
    }
  }

  #open(): { aggregate: Aggregate; chunks: ChunkStore; archive: ProducerArchive } {
    if (this.#unreadable !== undefined) throw this.#unreadable;
    this.#chunks ??= new ChunkStore(this.#storage.sql);
    this.#archive ??= new ProducerArchive(this.#storage.sql);
    this.#aggregate ??= this.#load(this.#chunks);
    return { aggregate: this.#aggregate, chunks: this.#chunks, archive: this.#archive };
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

function damagedLine(count: number): string {
  return (
    `isotel: the stored records of producers are damaged (${count}). Frames that may have been added before are ` +
    "refused and counted in isotel_frames_rejected_total; later frames of these isolates are added."
  );
}

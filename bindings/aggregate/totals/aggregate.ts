import { compiledModule } from "#wasm/aggregate";
import { joinedBytes } from "../../base/bytes.ts";
import type { WasmModule } from "../../base/runtime_types.ts";
import { ErrorCode } from "../../core/abi.gen.ts";
import { errorName } from "../../core/errors.ts";
import { ModuleHost, ModuleInstance } from "../../wasm/host.ts";
import type { ModuleMemory } from "../../wasm/module.ts";
import { AggregateAbi, type AggregateExports, aggregateAbi } from "./abi.gen.ts";

const newer = ": a newer version of isotel wrote it; use that version here too";

/** An input that the aggregation module refused, or a failure of the module. */
export class AggregationError extends Error {
  override readonly name = "AggregationError";
  /** A code of src/base/errors.def. Undefined for a trap and for errors outside of the module. */
  readonly code: number | undefined;

  constructor(what: string, code?: number, cause?: unknown) {
    const reason = code === undefined ? "" : ` (${errorName(code)})`;
    super(`isotel: ${what}${reason}${code === ErrorCode.unknownVersion ? newer : ""}`, { cause });
    this.code = code;
  }
}

export interface AggregateOptions {
  /** Milliseconds for which a producer is remembered after its last frame. */
  readonly producerRetentionMs: number;
  /** Milliseconds for which a gauge value counts after its producer wrote it. */
  readonly gaugeExpiryMs: number;
  /** Milliseconds for which a series is shown after its last value arrived. */
  readonly seriesExpiryMs: number;
  /** Maximum number of series. */
  readonly maxSeries: number;
  /** Maximum number of series of one metric. */
  readonly maxSeriesPerMetric: number;
  /** Approximate limit for the bytes of all series in an exposition. */
  readonly maxBytes: number;
}

export const defaultAggregateOptions: AggregateOptions = {
  producerRetentionMs: 14 * 24 * 3_600_000,
  gaugeExpiryMs: 300_000,
  seriesExpiryMs: 60 * 24 * 3_600_000,
  maxSeries: 100_000,
  maxSeriesPerMetric: 10_000,
  maxBytes: 20_000_000,
};

/** What frames brought that users should know. */
export interface Notices {
  /** Definitions of metrics with a name that another definition has. */
  readonly conflicts: readonly Conflict[];
  /** The first metric whose new label sets share the overflow series. */
  readonly overflowed: Overflow | null;
}

export interface Conflict {
  readonly metric: string;
  readonly kind: string;
  readonly other: string;
  readonly otherKind: string;
}

export interface Overflow {
  readonly metric: string;
  /** Number of all series. */
  readonly series: number;
  /** About how many bytes all series take in an exposition. */
  readonly bytes: number;
}

/** A part of the state that is stored under one key. A chunk without bytes is to be deleted. */
export interface Chunk {
  readonly key: number;
  readonly bytes: Uint8Array;
}

/** A producer that is not in memory, as it is stored. */
export interface StoredProducer {
  readonly id: Uint8Array;
  /** Time of its last frame. */
  readonly seenUnixMs: number;
  /** No bytes if it was damaged. */
  readonly record: Uint8Array;
}

/** What has to be stored in one transaction, in this order. */
export interface Changes {
  /** A chunk without bytes is to be deleted. */
  readonly chunks: readonly Chunk[];
  /** Identifiers of producers whose records are to be removed. */
  readonly removed: readonly Uint8Array[];
  /** Records of producers that are not in memory any more. */
  readonly archived: readonly Uint8Array[];
}

/** Version and time of a snapshot. */
export interface SnapshotInfo {
  /** Increases with every snapshot of an aggregator. */
  readonly version: number;
  readonly unixMs: number;
}

/** The format of an exposition, as {@link Aggregate.negotiate} selects it. */
export interface Exposition {
  /** A code of MetricsFormat. */
  readonly format: number;
  readonly escaping: number;
}

const { producerAt, producerBytes } = AggregateAbi;

/** Returns the producer's identifier of a frame or a record. Shorter if the bytes are neither. */
export function producerIdIn(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(producerAt, producerAt + producerBytes);
}

/** Splits a list of identifiers. */
function producerIds(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / producerBytes }, (_, index) =>
    bytes.subarray(index * producerBytes, (index + 1) * producerBytes),
  );
}

/** A frame is far smaller. The start of a longer input is enough to refuse it. */
const maxLookedAtBytes = 1_000_000;

const encoder = new TextEncoder();

/**
 * One instance of the aggregation module. It contains a set of totals and a merged snapshot. Inputs and outputs are
 * bytes.
 *
 * Every method is synchronous. After a trap, the call and all later calls throw AggregationError. Discard the object
 * then.
 */
export class Aggregate extends ModuleInstance<AggregateExports> {
  readonly #context: number;

  constructor(
    module: WasmModule,
    options: AggregateOptions = defaultAggregateOptions,
    onTrap: (cause: unknown) => void = () => {},
  ) {
    super(aggregateAbi, module, onTrap);
    this.#context = this.exports.isotel_aggregate_create(
      options.producerRetentionMs,
      options.gaugeExpiryMs,
      options.seriesExpiryMs,
      options.maxSeries,
      options.maxSeriesPerMetric,
      options.maxBytes,
    );
  }

  /**
   * Loads the stored chunks.
   *
   * @param chunks In ascending order of keys.
   * @throws AggregationError if they cannot be read. Do not use the object then.
   */
  load(chunks: Iterable<Chunk>): void {
    this.#call((exports, context) => {
      for (const { key, bytes } of chunks) {
        const code = exports.isotel_aggregate_totals_load(context, key, this.#put(bytes));
        if (code < 0) throw new AggregationError(`chunk ${key} cannot be read`, code);
      }
      check(exports.isotel_aggregate_totals_ready(context), "the chunks are not complete");
    });
  }

  /**
   * Returns the identifiers of those producers of `frames` that may have a record. Call {@link restore} with their
   * records before {@link apply} with the frames.
   */
  missing(frames: readonly Uint8Array[]): Uint8Array[] {
    const ids = frames.map(producerIdIn).filter(({ length }) => length === producerBytes);
    const bytes = this.#answer("the producers cannot be looked up", (exports, context) =>
      exports.isotel_aggregate_totals_missing(context, this.#put(joinedBytes(ids))),
    );
    return producerIds(bytes);
  }

  /**
   * Reads the record of an archived producer. If it cannot be read, {@link apply} refuses frames of the producer until
   * the next {@link changes}: those that may have been added, or all of them if a newer version wrote the record.
   *
   * @returns Whether the record is damaged. Replace it by one without bytes then: it is counted once.
   * @throws AggregationError if no producer is archived. Do not use the object then.
   */
  restore({ id, seenUnixMs, record }: StoredProducer): boolean {
    return this.#call((exports, context) => {
      const length = this.#put(joinedBytes([id, record]));
      const result = exports.isotel_aggregate_totals_restore(context, length, seenUnixMs);
      check(result, notArchived);
      return result === AggregateAbi.recordDamaged;
    });
  }

  /**
   * Adds a frame. Returns AggregateAbi.applied, AggregateAbi.duplicate, AggregateAbi.appliedWithNotices, or the code of
   * the error with which the frame was refused and counted.
   */
  apply(frame: Uint8Array, nowUnixMs: number): number {
    const bytes = frame.subarray(0, maxLookedAtBytes);
    return this.#call((exports, context) =>
      exports.isotel_aggregate_totals_apply(context, this.#put(bytes), nowUnixMs),
    );
  }

  /** Returns what frames brought since the last call. */
  notices(): Notices {
    const bytes = this.#view("the notices cannot be written", (exports, context) =>
      exports.isotel_aggregate_totals_notices(context),
    );
    return JSON.parse(new TextDecoder().decode(bytes)) as Notices;
  }

  /**
   * Removes series that have expired.
   *
   * @param hasOthers Whether the merged snapshot has the totals of the other shards.
   * @returns The number of removed series, and the time at which one may expire next. Undefined if none will.
   */
  expireSeries(
    nowUnixMs: number,
    hasOthers: boolean,
  ): { removed: number; next: number | undefined } {
    return this.#call((exports, context) => {
      const removed = exports.isotel_aggregate_totals_expire_series(
        context,
        nowUnixMs,
        Number(hasOthers),
      );
      check(removed, "series cannot be removed");
      return { removed, next: this.#results()[0] || undefined };
    });
  }

  /** Removes the metrics with a name. Removes all metrics if there is no name. Returns the number of removed series. */
  drop(name: string | undefined, nowUnixMs: number): number {
    return this.#call((exports, context) => {
      const length = this.#put(encoder.encode(name ?? ""));
      const removed = exports.isotel_aggregate_totals_drop(context, length, nowUnixMs);
      check(removed, "metrics cannot be removed");
      return removed;
    });
  }

  /**
   * Removes producers in memory and gauges whose time has passed. Returns whether there were any. Idle producers are
   * among the next {@link changes}.
   */
  prune(nowUnixMs: number): boolean {
    return this.#call((exports, context) => {
      const removed = exports.isotel_aggregate_totals_prune(context, nowUnixMs);
      check(removed, "the totals cannot be pruned");
      return removed > 0;
    });
  }

  /**
   * Removes the record of a producer whose time has passed, and the producer if it is archived. Returns whether it has
   * passed.
   *
   * @throws AggregationError if no producer is archived. Do not use the object then.
   */
  expire({ id, seenUnixMs }: Omit<StoredProducer, "record">, nowUnixMs: number): boolean {
    return this.#call((exports, context) => {
      const length = this.#put(id);
      const expired = exports.isotel_aggregate_totals_expire(
        context,
        length,
        seenUnixMs,
        nowUnixMs,
      );
      check(expired, notArchived);
      return expired > 0;
    });
  }

  /**
   * Returns the time at which {@link prune} or {@link expire} will next have something to do. Undefined if there is
   * nothing to do.
   *
   * @param oldestUnixMs The earliest time of all records. Infinity without records.
   */
  nextPrune(oldestUnixMs: number): number | undefined {
    return this.#call((exports, context) => {
      const count = exports.isotel_aggregate_totals_next_prune(context, oldestUnixMs);
      return count > 0 ? this.#results()[0] : undefined;
    });
  }

  /** Returns what changed since the last call. */
  changes(): Changes {
    const list = this.#answer("the changes cannot be written", (exports, context) =>
      exports.isotel_aggregate_totals_changes(context),
    );
    const view = new DataView(list.buffer);
    const chunks: Chunk[] = [];
    let removed: Uint8Array[] = [];
    const archived: Uint8Array[] = [];
    for (let at = 0; at < list.length; ) {
      const key = view.getUint32(at, true);
      const start = at + 8;
      at = start + view.getUint32(at + 4, true);
      const bytes = list.subarray(start, at);
      if (key === AggregateAbi.removedKey) removed = producerIds(bytes);
      else if (key === AggregateAbi.archivedKey) archived.push(bytes);
      else chunks.push({ key, bytes });
    }
    return { chunks, removed, archived };
  }

  /** Returns a snapshot of the totals under the next version. The new version changes a chunk. */
  snapshot(nowUnixMs: number): Uint8Array<ArrayBuffer> {
    return this.#answer("the snapshot cannot be written", (exports, context) =>
      exports.isotel_aggregate_totals_snapshot(context, nowUnixMs),
    );
  }

  /**
   * Adds to a counter of the host.
   *
   * @param counter Index in `aggregatorCounterNames`.
   */
  count(counter: number, amount: number): void {
    this.#call((exports, context) =>
      check(
        exports.isotel_aggregate_totals_count(context, counter, amount),
        "there is no such counter",
      ),
    );
  }

  /** Returns the shard of a frame, or a negative error code if the bytes are not a frame. */
  shardOfFrame(frame: Uint8Array, shards: number): number {
    const bytes = frame.subarray(0, maxLookedAtBytes);
    return this.#call((exports, context) =>
      exports.isotel_aggregate_frame_shard(context, this.#put(bytes), shards),
    );
  }

  /**
   * Replaces the merged snapshot by the sum of `snapshots`.
   *
   * @throws AggregationError if a snapshot cannot be read.
   */
  merge(snapshots: Iterable<Uint8Array>): void {
    this.#call((exports, context) => {
      exports.isotel_aggregate_snapshot_clear(context);
      for (const bytes of snapshots) {
        check(
          exports.isotel_aggregate_snapshot_merge(context, this.#put(bytes)),
          unreadableSnapshot,
        );
      }
    });
  }

  /**
   * Returns version and time of a snapshot.
   *
   * @throws AggregationError if the snapshot cannot be read.
   */
  peek(snapshot: Uint8Array): SnapshotInfo {
    return this.#call((exports, context) => {
      check(
        exports.isotel_aggregate_snapshot_peek(context, this.#put(snapshot)),
        unreadableSnapshot,
      );
      const results = this.#results();
      return {
        version: results[AggregateAbi.snapshotVersion] ?? 0,
        unixMs: results[AggregateAbi.snapshotUnixMs] ?? 0,
      };
    });
  }

  /**
   * Renders the merged snapshot with the self-metrics.
   *
   * @param missing Number of snapshots that should have been merged and were not available.
   * @returns A view that is valid until the next call of any method. It is not a copy, because it may have many
   *   megabytes.
   */
  render(
    { format, escaping }: Exposition,
    missing: number,
    nowUnixMs: number,
  ): Uint8Array<ArrayBuffer> {
    return this.#view("the exposition cannot be written", (exports, context) =>
      exports.isotel_aggregate_snapshot_render(context, format, escaping, 1, missing, nowUnixMs),
    );
  }

  /** Returns the exposition that an Accept header asks for. */
  negotiate(accept: string): Exposition {
    return this.#call((exports, context) => {
      const choice = exports.isotel_aggregate_negotiate(context, this.#put(encoder.encode(accept)));
      check(choice, "the Accept header cannot be read");
      return { format: choice & 0xff, escaping: choice >>> 8 };
    });
  }

  contentType({ format, escaping }: Exposition): string {
    const bytes = this.#answer("there is no such exposition", (exports, context) =>
      exports.isotel_aggregate_content_type(context, format, escaping),
    );
    return new TextDecoder().decode(bytes);
  }

  /**
   * Calls a function that uses the module directly, to encode the merged snapshot. Any error other than
   * AggregationError ends the instance.
   */
  use<T>(call: (exports: AggregateExports, context: number, memory: ModuleMemory) => T): T {
    return this.#call(call);
  }

  #results(): Float64Array {
    const at = this.exports.isotel_aggregate_results(this.#context) >>> 3;
    return this.memory.doubles.subarray(at, at + AggregateAbi.resultCount);
  }

  /** Writes bytes to the buffer. Returns their number. */
  #put(bytes: Uint8Array): number {
    const at = this.exports.isotel_aggregate_buffer(this.#context, bytes.length) >>> 0;
    if (at === 0 && bytes.length > 0) {
      throw new AggregationError(`${bytes.length} bytes are too many`, ErrorCode.tooLarge);
    }
    this.memory.bytes.set(bytes, at);
    return bytes.length;
  }

  /** Returns a copy of the bytes that a call produces. */
  #answer(
    failure: string,
    call: (exports: AggregateExports, context: number) => number,
  ): Uint8Array<ArrayBuffer> {
    return this.#view(failure, call).slice();
  }

  /** Returns a view of the bytes that a call produces. */
  #view(
    failure: string,
    call: (exports: AggregateExports, context: number) => number,
  ): Uint8Array<ArrayBuffer> {
    return this.#call((exports, context) => {
      const length = call(exports, context);
      check(length, failure);
      return this.memory.view(exports.isotel_aggregate_output(context) >>> 0, length);
    });
  }

  #call<T>(call: (exports: AggregateExports, context: number, memory: ModuleMemory) => T): T {
    return this.run(() => call(this.exports, this.#context, this.memory));
  }

  protected override isRefusal(cause: unknown): boolean {
    return cause instanceof AggregationError;
  }

  protected override trapError(what: string, cause?: unknown): AggregationError {
    return new AggregationError(what, undefined, cause);
  }
}

const notArchived = "there is a record of a producer although none is archived";
const unreadableSnapshot = "a snapshot cannot be read";

function check(code: number, failure: string): void {
  if (code < 0) throw new AggregationError(failure, code);
}

/**
 * Makes a new instance of the aggregation module.
 *
 * @throws AggregationError if the module could not be loaded.
 */
export function createAggregate(options: Partial<AggregateOptions> = {}): Aggregate {
  if (compiledModule === undefined) {
    throw new AggregationError(`${aggregateAbi.file} could not be loaded`);
  }
  return new Aggregate(compiledModule, { ...defaultAggregateOptions, ...options });
}

const host = new ModuleHost<Aggregate>({
  file: aggregateAbi.file,
  module: () => compiledModule,
  make: (module, onTrap) => new Aggregate(module, defaultAggregateOptions, onTrap),
  loss: "the failed call has to be repeated",
  withoutIt: "this isolate routes no frames and renders no metrics",
});

/**
 * Returns the isolate's instance for calls without lasting state: shards of frames, snapshots, expositions.
 *
 * @throws AggregationError if there is no instance.
 */
export function isolateAggregate(): Aggregate {
  const { instance } = host;
  if (instance !== undefined) return instance;
  throw new AggregationError(
    `there is no instance of ${aggregateAbi.file}`,
    undefined,
    host.lastTrap,
  );
}

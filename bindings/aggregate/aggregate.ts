import { compiledModule } from "#wasm/aggregate";
import { ErrorCode } from "../core/abi.gen.ts";
import { ModuleHost, ModuleInstance } from "../wasm/host.ts";
import type { ModuleMemory } from "../wasm/module.ts";
import { AggregateAbi, type AggregateExports, aggregateAbi } from "./abi.gen.ts";
import { AggregationError } from "./aggregation_error.ts";

export interface AggregateOptions {
  /** Milliseconds a producer is remembered after its last frame. */
  readonly producerRetentionMs: number;
  /** Milliseconds a gauge counts after its producer wrote it. */
  readonly gaugeExpiryMs: number;
}

export const defaultAggregateOptions: AggregateOptions = {
  producerRetentionMs: 14 * 24 * 3_600_000,
  gaugeExpiryMs: 300_000,
};

/** A part of the state with a key of its own. */
export interface Chunk {
  readonly key: number;
  readonly bytes: Uint8Array;
}

/** What a snapshot tells about itself. */
export interface SnapshotInfo {
  /** Grows with every snapshot of an aggregator. */
  readonly version: number;
  readonly unixMs: number;
}

/** An exposition to ask for, as {@link Aggregate.negotiate} chooses it. */
export interface Exposition {
  /** A code of MetricsFormat. */
  readonly format: number;
  readonly escaping: number;
}

/** Far more than a frame may have: what is longer is refused by its beginning. */
const maxLookedAtBytes = 1_000_000;

const encoder = new TextEncoder();

/**
 * One instance of the aggregation module: a set of totals and a merged snapshot, bytes in and bytes out.
 *
 * Every method is synchronous. After a trap the instance is dead: that call and all later ones throw AggregationError,
 * and the object is to be thrown away.
 */
export class Aggregate extends ModuleInstance<AggregateExports> {
  readonly #context: number;

  constructor(
    module: WebAssembly.Module,
    options: AggregateOptions = defaultAggregateOptions,
    onTrap: (cause: unknown) => void = () => {},
  ) {
    super(aggregateAbi, module, onTrap);
    const { producerRetentionMs, gaugeExpiryMs } = options;
    this.#context = this.exports.isotel_aggregate_create(producerRetentionMs, gaugeExpiryMs);
  }

  /**
   * Takes the stored chunks, in ascending order of keys.
   *
   * @throws AggregationError when they cannot be read; this object cannot be used then.
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

  /** Adds a frame: AggregateAbi.applied, AggregateAbi.duplicate, or the error it was refused and counted with. */
  apply(frame: Uint8Array, nowUnixMs: number): number {
    const bytes = frame.subarray(0, maxLookedAtBytes);
    return this.#call((exports, context) =>
      exports.isotel_aggregate_totals_apply(context, this.#put(bytes), nowUnixMs),
    );
  }

  /** Forgets producers and gauges that are past their time. */
  prune(nowUnixMs: number): void {
    this.#call((exports, context) =>
      check(
        exports.isotel_aggregate_totals_prune(context, nowUnixMs),
        "the totals cannot be pruned",
      ),
    );
  }

  /** When {@link prune} will next forget something; undefined when there is nothing to forget. */
  nextPrune(): number | undefined {
    return this.#call((exports, context) => {
      const count = exports.isotel_aggregate_totals_next_prune(context);
      return count > 0 ? this.#results()[0] : undefined;
    });
  }

  /** The chunks that changed since the last call. */
  changes(): Chunk[] {
    const list = this.#answer("the changes cannot be written", (exports, context) =>
      exports.isotel_aggregate_totals_changes(context),
    );
    const view = new DataView(list.buffer);
    const chunks: Chunk[] = [];
    for (let at = 0; at < list.length; ) {
      const key = view.getUint32(at, true);
      const start = at + 8;
      at = start + view.getUint32(at + 4, true);
      chunks.push({ key, bytes: list.subarray(start, at) });
    }
    return chunks;
  }

  /** A snapshot of the totals under the next version, which is a change. */
  snapshot(nowUnixMs: number): Uint8Array<ArrayBuffer> {
    return this.#answer("the snapshot cannot be written", (exports, context) =>
      exports.isotel_aggregate_totals_snapshot(context, nowUnixMs),
    );
  }

  /** Adds to a counter of the host, by its place in `aggregatorCounterNames`. */
  count(counter: number, amount: number): void {
    this.#call((exports, context) =>
      check(
        exports.isotel_aggregate_totals_count(context, counter, amount),
        "there is no such counter",
      ),
    );
  }

  /** The shard of a frame, or the error that it is none. */
  shardOfFrame(frame: Uint8Array, shards: number): number {
    const bytes = frame.subarray(0, maxLookedAtBytes);
    return this.#call((exports, context) =>
      exports.isotel_aggregate_frame_shard(context, this.#put(bytes), shards),
    );
  }

  /**
   * Replaces the merged snapshot by the sum of these.
   *
   * @throws AggregationError for one that cannot be read.
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

  /** @throws AggregationError for a snapshot that cannot be read. */
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
   * The merged snapshot with the self-metrics; `missing` snapshots should have been merged too. Not a copy, which may be
   * many megabytes: the bytes are good until the next call of any method.
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

  /** The exposition an Accept header asks for. */
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

  /** Lends the module to what encodes its merged snapshot. What `call` throws besides AggregationError ends the instance. */
  use<T>(call: (exports: AggregateExports, context: number, memory: ModuleMemory) => T): T {
    return this.#call(call);
  }

  #results(): Float64Array {
    const at = this.exports.isotel_aggregate_results(this.#context) >>> 3;
    return this.memory.doubles.subarray(at, at + AggregateAbi.resultCount);
  }

  /** Writes bytes to the buffer; their number. */
  #put(bytes: Uint8Array): number {
    const at = this.exports.isotel_aggregate_buffer(this.#context, bytes.length) >>> 0;
    if (at === 0 && bytes.length > 0) {
      throw new AggregationError(`${bytes.length} bytes are too many`, ErrorCode.tooLarge);
    }
    this.memory.bytes.set(bytes, at);
    return bytes.length;
  }

  /** A copy of the bytes a call answers. */
  #answer(
    failure: string,
    call: (exports: AggregateExports, context: number) => number,
  ): Uint8Array<ArrayBuffer> {
    return this.#view(failure, call).slice();
  }

  /** The bytes a call answers, where the module has them. */
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

const unreadableSnapshot = "a snapshot cannot be read";

function check(code: number, failure: string): void {
  if (code < 0) throw new AggregationError(failure, code);
}

/**
 * A new instance of the aggregation module.
 *
 * @throws AggregationError where the module could not be loaded.
 */
export function createAggregate(options?: AggregateOptions): Aggregate {
  if (compiledModule === undefined) {
    throw new AggregationError(`${aggregateAbi.file} could not be loaded`);
  }
  return new Aggregate(compiledModule, options);
}

const host = new ModuleHost<Aggregate>({
  file: aggregateAbi.file,
  module: () => compiledModule,
  make: (module, onTrap) => new Aggregate(module, defaultAggregateOptions, onTrap),
  loss: "the call that failed is to be made again",
  withoutIt: "this isolate routes no frames and renders no metrics",
});

/**
 * The isolate's instance for calls that leave nothing behind: shards of frames, snapshots, expositions.
 *
 * @throws AggregationError where there is none.
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

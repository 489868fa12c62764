import type { AggregatorNamespace, KVNamespace } from "../base/runtime_types.ts";
import { aggregatorStub, shardNames } from "../metrics/shards.ts";
import { newestServed } from "./served_snapshots.ts";
import { AggregationError } from "./totals/aggregate.ts";

/** KV metadata of a published snapshot. */
export interface SnapshotMetadata {
  readonly version: number;
  /** Why the totals cannot be read. While set, no newer snapshot follows. */
  readonly error?: string;
}

/** A snapshot that was read from KV. */
export interface PublishedSnapshot {
  readonly bytes: Uint8Array | undefined;
  readonly error: string | undefined;
}

/** The minimum of KV. A data center serves a value that it has read for this time. */
const cacheSeconds = 30;

/** Returns the KV key of a shard's snapshot. */
function snapshotKey(shard: string): string {
  return `isotel/snapshot/${shard}`;
}

/** Publishes the newest snapshot of a shard. */
export async function publishSnapshot(
  kv: KVNamespace,
  shard: string,
  bytes: Uint8Array<ArrayBuffer>,
  version: number,
): Promise<void> {
  const metadata: SnapshotMetadata = { version };
  await kv.put(snapshotKey(shard), bytes, { metadata });
}

/** Publishes the reason why no newer snapshot follows. Keeps the last snapshot of the shard. */
export async function publishError(kv: KVNamespace, shard: string, error: string): Promise<void> {
  const key = snapshotKey(shard);
  const last = await kv.getWithMetadata<SnapshotMetadata>(key, "arrayBuffer");
  const metadata: SnapshotMetadata = { version: last.metadata?.version ?? 0, error };
  await kv.put(key, last.value ?? new ArrayBuffer(0), { metadata });
}

/** Returns the published snapshot of a shard. It may be as old as KV allows. */
export async function readPublished(kv: KVNamespace, shard: string): Promise<PublishedSnapshot> {
  const options = { type: "arrayBuffer", cacheTtl: cacheSeconds } as const;
  const { value, metadata } = await kv.getWithMetadata<SnapshotMetadata>(
    snapshotKey(shard),
    options,
  );
  const isEmpty = value === null || value.byteLength === 0;
  return { bytes: isEmpty ? undefined : new Uint8Array(value), error: metadata?.error };
}

/** The source of snapshots. */
export interface SnapshotSource {
  /** The namespace of TelemetryAggregator. */
  readonly aggregator?: AggregatorNamespace;
  /** The KV namespace to which the aggregators publish. */
  readonly kv?: KVNamespace;
  /** Default: `kv` if the option `kv` is set, else `durable-object`. */
  readonly source?: "kv" | "durable-object";
  /** Number of aggregators that share the work. Default: 1. */
  readonly shards?: number;
}

/**
 * Returns the newest snapshot of each shard. Undefined for a shard that has not published one.
 *
 * @param reader Identifies the totals if the option `aggregator` is not set. Use the address of the scrape.
 * @throws AggregationError if a binding is missing or totals cannot be read. Errors of storage are passed on.
 */
export function readSnapshots(
  {
    aggregator,
    kv,
    source = kv === undefined ? "durable-object" : "kv",
    shards = 1,
  }: SnapshotSource,
  reader: string,
): Promise<(Uint8Array | undefined)[]> {
  const names = shardNames(shards);
  if (source === "durable-object") {
    if (aggregator === undefined) throw missing("aggregator", "namespace of TelemetryAggregator");
    return Promise.all(names.map((shard) => aggregatorStub(aggregator, shard).snapshot()));
  }
  if (kv === undefined) throw missing("kv", "KV namespace that the aggregators publish to");
  return Promise.all(
    names.map(async (shard) => {
      const { bytes, error } = await readPublished(kv, shard);
      if (error !== undefined) throw new AggregationError(error.replace(/^isotel: /, ""));
      const owner = aggregator?.idFromName(shard).toString() ?? reader;
      return newestServed(`${owner} ${shard}`, bytes);
    }),
  );
}

/** Returns the error for an option that is not set. */
export function missing(option: string, what: string): AggregationError {
  return new AggregationError(`\`${option}\` is not given; set it to the ${what}`);
}

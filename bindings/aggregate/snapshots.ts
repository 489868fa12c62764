import { type AggregatorNamespace, aggregatorStub, shardNames } from "../metrics/shards.ts";
import { newestServed } from "./served_snapshots.ts";
import { AggregationError } from "./totals/aggregate.ts";

/** What stands beside a published snapshot. */
export interface SnapshotMetadata {
  readonly version: number;
  /** Why no newer one will come, where the totals cannot be read. */
  readonly error?: string;
}

/** A snapshot as KV has it. */
export interface PublishedSnapshot {
  readonly bytes: Uint8Array | undefined;
  readonly error: string | undefined;
}

/** The least KV allows: what a place has read stays there for so long. */
const cacheSeconds = 30;

/** The KV key of a shard's snapshot. */
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

/** Says beside the last snapshot of a shard why no newer one will come. */
export async function publishError(kv: KVNamespace, shard: string, error: string): Promise<void> {
  const key = snapshotKey(shard);
  const last = await kv.getWithMetadata<SnapshotMetadata>(key, "arrayBuffer");
  const metadata: SnapshotMetadata = { version: last.metadata?.version ?? 0, error };
  await kv.put(key, last.value ?? new ArrayBuffer(0), { metadata });
}

/** The snapshot of a shard, as old as KV may give it. */
export async function readPublished(kv: KVNamespace, shard: string): Promise<PublishedSnapshot> {
  const options = { type: "arrayBuffer", cacheTtl: cacheSeconds } as const;
  const { value, metadata } = await kv.getWithMetadata<SnapshotMetadata>(
    snapshotKey(shard),
    options,
  );
  const isEmpty = value === null || value.byteLength === 0;
  return { bytes: isEmpty ? undefined : new Uint8Array(value), error: metadata?.error };
}

/** Where snapshots are read. */
export interface SnapshotSource {
  /** The namespace of TelemetryAggregator. */
  readonly aggregator?: AggregatorNamespace;
  /** Where the aggregators publish. */
  readonly kv?: KVNamespace;
  /** `kv` where there is one, unless given. */
  readonly source?: "kv" | "durable-object";
  /** How many aggregators share the work; 1 unless given. */
  readonly shards?: number;
}

/**
 * The newest snapshot of each shard; undefined for one that has not published any yet.
 *
 * @param reader tells apart who reads without knowing the aggregators: a scrape's address.
 * @throws when a binding is missing, storage fails or totals cannot be read.
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
    if (aggregator === undefined) throw missing("aggregator", "of the Durable Object");
    return Promise.all(names.map((shard) => aggregatorStub(aggregator, shard).snapshot()));
  }
  if (kv === undefined) throw missing("kv", "of the KV namespace");
  return Promise.all(
    names.map(async (shard) => {
      const { bytes, error } = await readPublished(kv, shard);
      if (error !== undefined) throw new AggregationError(error.replace(/^isotel: /, ""));
      const owner = aggregator?.idFromName(shard).toString() ?? reader;
      return newestServed(`${owner} ${shard}`, bytes);
    }),
  );
}

function missing(option: string, what: string): AggregationError {
  return new AggregationError(`metrics are read from ${what}, and \`${option}\` is not given`);
}

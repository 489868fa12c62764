import { AggregationError } from "./aggregation_error.ts";
import { type AggregatorNamespace, aggregatorStub, shardNames } from "./aggregator_stub.ts";
import { readPublished } from "./published_snapshots.ts";
import { newestServed } from "./served_snapshots.ts";

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

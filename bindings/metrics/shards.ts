/**
 * The name of the aggregator for a shard. It does not depend on the number of shards: with one more, the totals of the
 * others stay where they are.
 */
export function shardName(shard: number, _shards: number): string {
  return `isotel-${shard}`;
}

/** The shard of a producer by its identifier of 16 bytes; a frame carries the same bytes, see SNAPSHOT_FORMAT.md. */
export function shardOf(producerId: Uint8Array, shards: number): number {
  const { buffer, byteOffset } = producerId;
  return new DataView(buffer, byteOffset).getUint32(0, true) % shards;
}

/** The namespace of TelemetryAggregator or of a class that extends it. */
// biome-ignore lint/suspicious/noExplicitAny: a namespace fits whatever class it was declared with
export type AggregatorNamespace = DurableObjectNamespace<any>;

/** What is asked of an aggregator; see TelemetryAggregator. */
interface AggregatorStub {
  apply(frames: readonly Uint8Array[]): Promise<number[]>;
  snapshot(): Promise<Uint8Array>;
}

/** The most shards there may be: a scrape reads each of them. */
const maxShards = 256;

/** @throws RangeError unless it is a whole number from 1 to 256. */
export function checkShards(shards: number): number {
  if (Number.isInteger(shards) && shards >= 1 && shards <= maxShards) return shards;
  throw new RangeError(`isotel: shards is a whole number from 1 to ${maxShards}, not ${shards}`);
}

/** The names of all shards. */
export function shardNames(shards: number): string[] {
  return Array.from({ length: checkShards(shards) }, (_, shard) => shardName(shard, shards));
}

export function aggregatorStub(namespace: AggregatorNamespace, shard: string): AggregatorStub {
  // The types of a stub of any class are too deep to look at.
  const stubs = namespace as unknown as { get(id: DurableObjectId): AggregatorStub };
  return stubs.get(namespace.idFromName(shard));
}

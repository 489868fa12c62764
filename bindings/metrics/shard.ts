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

/** The name of the aggregator for one of `shards` shards. */
export function shardName(shard: number, shards: number): string {
  return shards === 1 ? "isotel" : `isotel-${shard}-of-${shards}`;
}

/** The shard of a producer by its identifier of 16 bytes; a frame carries the same bytes, see SNAPSHOT_FORMAT.md. */
export function shardOf(producerId: Uint8Array, shards: number): number {
  const { buffer, byteOffset } = producerId;
  return new DataView(buffer, byteOffset).getUint32(0, true) % shards;
}

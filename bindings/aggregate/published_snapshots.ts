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
export function snapshotKey(shard: string): string {
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

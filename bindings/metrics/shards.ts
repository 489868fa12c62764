import { reportOnce } from "../base/report_once.ts";
import type { AggregatorNamespace } from "../base/runtime_types.ts";
import { within } from "../base/time.ts";
import { isIntegerIn } from "./bounds.ts";

/**
 * Returns the name of the aggregator for a shard. The name does not depend on the number of shards, so that the
 * existing shards keep their totals when one is added.
 */
export function shardName(shard: number): string {
  return `isotel-${shard}`;
}

// A marked identifier of a producer has the number of shards at its birth, less 1, and a tag, which is a hash of all
// bytes before it. src/metrics/frame.cc reads it too; see SNAPSHOT_FORMAT.md.
const shardsAt = 12;
const tagAt = 13;

function tagOf(id: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < tagAt; at += 1) hash = Math.imul(hash ^ (id[at] ?? 0), 0x01000193);
  return (hash >>> 24) ^ (hash & 0xffffff);
}

function readTag(id: Uint8Array): number {
  return (id[tagAt] ?? 0) | ((id[tagAt + 1] ?? 0) << 8) | ((id[tagAt + 2] ?? 0) << 16);
}

/**
 * Writes the number of shards into the random identifier of a new producer. All its frames then go to one aggregator,
 * whatever the number becomes later.
 *
 * @param shards Undefined if this Worker does not know the number. The one of the consumer is used then.
 */
export function markShards(id: Uint8Array, shards: number | undefined): void {
  if (shards !== undefined) {
    id[shardsAt] = shards - 1;
    const tag = tagOf(id);
    for (let byte = 0; byte < 3; byte += 1) id[tagAt + byte] = tag >>> (8 * byte);
  } else if (readTag(id) === tagOf(id)) {
    // One of 16 million random identifiers has the right tag by accident.
    id[tagAt] = ~(id[tagAt] ?? 0);
  }
}

/**
 * Returns the shard for a producer's identifier of 16 bytes, which a frame contains: by the number of shards in the
 * identifier, if it is marked, and otherwise by `shards`.
 */
export function shardOf(producerId: Uint8Array, shards: number): number {
  const { buffer, byteOffset } = producerId;
  const isMarked = readTag(producerId) === tagOf(producerId);
  const count = isMarked ? (producerId[shardsAt] ?? 0) + 1 : shards;
  return new DataView(buffer, byteOffset).getUint32(0, true) % count;
}

/** The methods of an aggregator that are called; see TelemetryAggregator. */
export interface AggregatorStub {
  /**
   * Returns 0 (applied), 1 (already known), {@link appliedWithNotices} or an error for each frame. Every error is final
   * except unknownVersion: a newer aggregator can read the frame.
   *
   * @param shards Number of aggregators that share the work.
   */
  apply(frames: readonly Uint8Array[], shards: number): Promise<number[]>;
  /** Returns lines for the console about what frames brought lately. */
  notices(): Promise<string[]>;
  snapshot(): Promise<Uint8Array>;
  /** Removes the metrics with a name, or all. Returns the number of removed series. */
  drop(name?: string): Promise<number>;
}

/** Result of `apply`: the frame is stored, and `notices` has something new. The code of isotel_aggregate.h. */
export const appliedWithNotices = 2;

/** Limit of shards. A scrape reads each of them. */
export const maxShards = 256;

/** Whether a value is an integer from 1 to {@link maxShards}. */
export function isShardCount(value: unknown): value is number {
  return isIntegerIn(value as number, 1, maxShards);
}

/** Returns `shards`. Throws RangeError if it is not an integer from 1 to 256. */
export function checkShards(shards: number): number {
  if (isShardCount(shards)) return shards;
  throw new RangeError(
    `isotel: shards is ${shards}; it has to be an integer from 1 to ${maxShards}`,
  );
}

/** Returns the names of all shards. */
export function shardNames(shards: number): string[] {
  return Array.from({ length: checkShards(shards) }, (_, shard) => shardName(shard));
}

export function aggregatorStub(namespace: AggregatorNamespace, shard: string): AggregatorStub {
  // TypeScript cannot resolve the type of a stub of any class.
  const stubs = namespace as unknown as { get(id: DurableObjectId): AggregatorStub };
  return stubs.get(namespace.idFromName(shard));
}

const maxNoticesMs = 5_000;

/** Logs once what an aggregator has noticed, if one of the results of its `apply` says so. Never rejects. */
export async function reportNotices(
  stub: AggregatorStub,
  results: readonly number[],
): Promise<void> {
  if (!results.includes(appliedWithNotices)) return;
  try {
    for (const line of await within(maxNoticesMs, stub.notices())) reportOnce(line);
  } catch {
    // The frames are stored. The metrics of the aggregator count what happened.
  }
}

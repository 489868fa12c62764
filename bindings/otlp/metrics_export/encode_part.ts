import type { Aggregate } from "../../aggregate/aggregate.ts";
import { AggregationError } from "../../aggregate/aggregation_error.ts";
import { ErrorCode } from "../../core/abi.gen.ts";
import { type EncodedSnapshot, encodeSnapshot, type SnapshotRequest } from "../encode_snapshot.ts";

/** A snapshot on its way, and what was sent before it. */
export interface Interval {
  readonly snapshot: Uint8Array;
  /** As {@link takeRanges} made it; undefined for nothing. */
  readonly base: Uint8Array | undefined;
}

/** Series of a snapshot by their numbers, `end` not included. */
export type SeriesSpan = readonly [first: number, end: number];

/** One request of an interval. */
export interface Part {
  /** Undefined when there is nothing to send, or one data point that is too large. */
  readonly bytes: Uint8Array | undefined;
  readonly points: number;
  /** The series the next part begins with. */
  readonly next: number;
  readonly isLast: boolean;
}

const most = 0xffffffff;
/** What closes a request may take more. */
const closingBytes = 256;

/**
 * The request of an interval that begins with the series `first`: as many as `maxBytes` hold. The same arguments always
 * give the same bytes.
 *
 * @throws AggregationError when the snapshot cannot be read.
 */
export function encodePart(
  aggregate: Aggregate,
  interval: Interval,
  request: SnapshotRequest,
  first: number,
  maxBytes: number,
): Part {
  open(aggregate, interval);
  const encode = (end: number) =>
    aggregate.use((exports, context, memory) => {
      const range = { first, end, enoughBytes: Math.max(1, maxBytes - closingBytes) };
      return checked(encodeSnapshot(exports, context, memory, request, range));
    });
  let encoded = encode(most);
  // The last series was begun with room left, and did not fit.
  if (encoded.bytes.length > maxBytes && encoded.points > 1) encoded = encode(encoded.next - 1);
  const { bytes, points, next, series } = encoded;
  const isSent = points > 0 && bytes.length <= maxBytes;
  return { bytes: isSent ? bytes : undefined, points, next, isLast: next >= series };
}

/** What was sent with these series of an interval besides all before: the base of the next. */
export function takeRanges(
  aggregate: Aggregate,
  interval: Interval,
  ranges: readonly SeriesSpan[],
): Uint8Array {
  open(aggregate, interval);
  return aggregate.use((exports, context, memory) => {
    for (const [first, end] of ranges)
      must(exports.isotel_aggregate_base_take(context, first, end));
    const size = must(exports.isotel_aggregate_base_write(context));
    return memory.copy(exports.isotel_aggregate_output(context) >>> 0, size);
  });
}

/** All series of a snapshot, for {@link takeRanges}. */
export const allSeries: readonly SeriesSpan[] = [[0, most]];

function open(aggregate: Aggregate, { snapshot, base }: Interval): void {
  aggregate.merge([snapshot]);
  aggregate.use((exports, context, memory) => {
    const length = base?.length ?? 0;
    if (base !== undefined) {
      const at = exports.isotel_aggregate_buffer(context, length) >>> 0;
      if (at === 0) throw new AggregationError("the base is too large", ErrorCode.tooLarge);
      memory.bytes.set(base, at);
    }
    must(exports.isotel_aggregate_base_read(context, length));
  });
}

function must(code: number): number {
  if (code < 0) throw new AggregationError("a snapshot cannot be encoded", code);
  return code;
}

function checked(encoded: EncodedSnapshot | number): EncodedSnapshot {
  if (typeof encoded !== "number") return encoded;
  throw new AggregationError("a snapshot cannot be encoded", encoded);
}

import { AggregateAbi, type AggregateExports } from "../aggregate/totals/abi.gen.ts";
import { type Aggregate, AggregationError } from "../aggregate/totals/aggregate.ts";
import { ErrorCode } from "../core/abi.gen.ts";
import { OtlpAbi } from "../otlp/core/abi.gen.ts";
import { putBatch } from "../otlp/core/batch_memory.ts";
import { BatchWriter } from "../otlp/core/batch_writer.ts";
import { type InstrumentationScope, listAttributes, type OtlpFormat } from "../otlp/core/model.ts";
import { writeHead } from "../otlp/core/write_batch.ts";
import type { ExportHost } from "../slots/metrics_export.ts";
import type { ModuleMemory } from "../wasm/module.ts";

/** A snapshot that is being sent, and the data that was sent before it. */
export interface Interval {
  readonly snapshot: Uint8Array;
  /** The result of {@link takeRanges}. Undefined if nothing was sent. */
  readonly base: Uint8Array | undefined;
}

/** A range of series numbers of a snapshot. `end` is exclusive. */
export type SeriesSpan = readonly [first: number, end: number];

/** One request of an interval. */
export interface Part {
  /** Undefined if there is nothing to send, or if a single data point is too large. */
  readonly bytes: Uint8Array | undefined;
  readonly points: number;
  /** The first series of the next part. */
  readonly next: number;
  readonly isLast: boolean;
}

const noLimit = 0xffffffff;
/** Upper bound of the bytes that close a request. */
const closingBytes = 256;

/**
 * Encodes the request that begins with the series `first`, with as many series as fit into `maxBytes`. Equal arguments
 * give equal bytes.
 *
 * @throws AggregationError if the snapshot cannot be read.
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
  let encoded = encode(noLimit);
  // The last series was started while there was room and did not fit.
  if (encoded.bytes.length > maxBytes && encoded.points > 1) encoded = encode(encoded.next - 1);
  const { bytes, points, next, series } = encoded;
  const isSent = points > 0 && bytes.length <= maxBytes;
  return { bytes: isSent ? bytes : undefined, points, next, isLast: next >= series };
}

/** Returns the base of the next interval: the old base plus the given series of this interval. */
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
export const allSeries: readonly SeriesSpan[] = [[0, noLimit]];

/** Returns the current totals as a base. The next delta starts after them. */
export function baseOf({ aggregate, totals }: ExportHost, nowUnixMs: number): Uint8Array {
  const snapshot = totals.snapshot(nowUnixMs);
  return takeRanges(aggregate(), { snapshot, base: undefined }, allSeries);
}

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

/** The form of a request for a snapshot. */
export interface SnapshotRequest {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: InstrumentationScope;
  readonly format: OtlpFormat;
  /** "delta" encodes the difference to the base of isotel_aggregate_base_read() and isotel_aggregate_base_take(). */
  readonly temporality: "cumulative" | "delta";
}

/** The series of a snapshot for one request. */
export interface SeriesRange {
  readonly first: number;
  readonly end: number;
  /** No further series is started after this size in bytes. */
  readonly enoughBytes: number;
}

export interface EncodedSnapshot {
  readonly bytes: Uint8Array;
  /** The first series of the next request. */
  readonly next: number;
  /** Number of series in the snapshot. Equals `next` at the end. */
  readonly series: number;
  /** Number of data points in this request. */
  readonly points: number;
}

const wholeSnapshot: SeriesRange = { first: 0, end: noLimit, enoughBytes: noLimit };

/**
 * Encodes the merged snapshot of an aggregation module's context as an ExportMetricsServiceRequest.
 *
 * @returns The request, or a negative code of errors.def. The code is kTooLarge above 16 MiB. A trap of the module is
 *   thrown.
 */
export function encodeSnapshot(
  exports: AggregateExports,
  context: number,
  memory: ModuleMemory,
  { resource, scope, format, temporality }: SnapshotRequest,
  { first, end, enoughBytes }: SeriesRange = wholeSnapshot,
): EncodedSnapshot | number {
  const encode = (repairsTexts: boolean) => {
    const writer = new BatchWriter();
    writer.repairsTexts = repairsTexts;
    writeHead(writer, listAttributes(resource), scope);
    const sizes = putBatch(
      writer,
      memory,
      (size) => exports.isotel_aggregate_buffer(context, size) >>> 0,
    );
    if (sizes === undefined) return ErrorCode.tooLarge;
    return exports.isotel_aggregate_snapshot_otlp(
      context,
      format === "json" ? OtlpAbi.json : OtlpAbi.protobuf,
      temporality === "delta" ? AggregateAbi.temporalityDelta : AggregateAbi.temporalityCumulative,
      first,
      end,
      enoughBytes,
      ...sizes,
    );
  };
  let size = encode(false);
  if (size === ErrorCode.invalidUtf8) size = encode(true);
  if (size < 0) return size;
  const at = exports.isotel_aggregate_output(context) >>> 0;
  const resultsAt = exports.isotel_aggregate_results(context) >>> 3;
  const { doubles } = memory;
  return {
    bytes: memory.copy(at, size),
    next: doubles[resultsAt + AggregateAbi.otlpNext] ?? 0,
    series: doubles[resultsAt + AggregateAbi.otlpSeries] ?? 0,
    points: doubles[resultsAt + AggregateAbi.otlpPoints] ?? 0,
  };
}

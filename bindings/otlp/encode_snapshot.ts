import { AggregateAbi, type AggregateExports } from "../aggregate/abi.gen.ts";
import { ErrorCode } from "../core/abi.gen.ts";
import type { ModuleMemory } from "../wasm/module.ts";
import { OtlpAbi } from "./abi.gen.ts";
import { putBatch } from "./batch_memory.ts";
import { BatchWriter } from "./batch_writer.ts";
import { type InstrumentationScope, listAttributes, type OtlpFormat } from "./model.ts";
import { writeHead } from "./write_head.ts";

/** How a snapshot becomes a request. */
export interface SnapshotRequest {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: InstrumentationScope;
  readonly format: OtlpFormat;
  /** "delta": what came since the base of isotel_aggregate_base_read() and isotel_aggregate_base_take(). */
  readonly temporality: "cumulative" | "delta";
}

/** The series of a snapshot that go into one request. */
export interface SeriesRange {
  readonly first: number;
  readonly end: number;
  /** No further series is begun once the request has so many. */
  readonly enoughBytes: number;
}

export interface EncodedSnapshot {
  readonly bytes: Uint8Array;
  /** The series the next request begins with. */
  readonly next: number;
  /** How many series the snapshot has: `next` at the end. */
  readonly series: number;
  /** Data points in this request. */
  readonly points: number;
}

const most = 0xffffffff;
const allSeries: SeriesRange = { first: 0, end: most, enoughBytes: most };

/**
 * An ExportMetricsServiceRequest of the snapshot merged in a context of the aggregation module.
 *
 * @returns the request; or a negative error of errors.def, kTooLarge past 16 MiB. Throws what the module's trap throws.
 */
export function encodeSnapshot(
  exports: AggregateExports,
  context: number,
  memory: ModuleMemory,
  { resource, scope, format, temporality }: SnapshotRequest,
  { first, end, enoughBytes }: SeriesRange = allSeries,
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

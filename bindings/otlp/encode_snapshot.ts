import { ErrorCode } from "../core/abi.gen.ts";
import { putBatch } from "./batch_memory.ts";
import { BatchWriter } from "./batch_writer.ts";
import { type InstrumentationScope, listAttributes, type OtlpFormat } from "./model.ts";
import { writeHead } from "./write_head.ts";

/** What of the aggregation module encodes its merged snapshot; see src/abi/aggregate/isotel_aggregate.h. */
export interface SnapshotExports {
  readonly memory: WebAssembly.Memory;
  isotel_aggregate_buffer(context: number, size: number): number;
  isotel_aggregate_output(context: number): number;
  isotel_snapshot_otlp(
    context: number,
    format: number,
    temporality: number,
    ...sizes: number[]
  ): number;
}

/** How a snapshot becomes a request. */
export interface SnapshotRequest {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: InstrumentationScope;
  readonly format: OtlpFormat;
  /** "delta": what came since the snapshot given to isotel_snapshot_base(). */
  readonly temporality: "cumulative" | "delta";
}

/**
 * An ExportMetricsServiceRequest of the snapshot merged in a context of the aggregation module.
 *
 * @returns the request; or a negative error of errors.def, kTooLarge past 16 MiB. Throws what the module's trap throws.
 */
export function encodeSnapshot(
  exports: SnapshotExports,
  context: number,
  { resource, scope, format, temporality }: SnapshotRequest,
): Uint8Array | number {
  const encode = (repairsTexts: boolean) => {
    const writer = new BatchWriter();
    writer.repairsTexts = repairsTexts;
    writeHead(writer, listAttributes(resource), scope);
    const sizes = putBatch(
      writer,
      exports.memory,
      (size) => exports.isotel_aggregate_buffer(context, size) >>> 0,
    );
    if (sizes === undefined) return ErrorCode.tooLarge;
    return exports.isotel_snapshot_otlp(
      context,
      format === "json" ? 1 : 0,
      temporality === "delta" ? 1 : 0,
      ...sizes,
    );
  };
  let size = encode(false);
  if (size === ErrorCode.invalidUtf8) size = encode(true);
  if (size < 0) return size;
  const at = exports.isotel_aggregate_output(context) >>> 0;
  return new Uint8Array(exports.memory.buffer, at, size).slice();
}

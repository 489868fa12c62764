import { ErrorCode } from "../core/abi.gen.ts";
import { OtlpAbi } from "./abi.gen.ts";
import { BatchWriter } from "./batch_writer.ts";
import {
  type FinishedSpan,
  type InstrumentationScope,
  type LogRecord,
  listAttributes,
  type OtlpFormat,
} from "./model.ts";
import { type OtlpCore, type OtlpHost, otlpHost } from "./otlp_core.ts";
import { writeHead } from "./write_head.ts";
import { writeLogs } from "./write_logs.ts";
import { writeSpans } from "./write_spans.ts";

/** Attributes of a resource by key. */
export type ResourceAttributes = Readonly<Record<string, unknown>>;

/** The batch, or the request made from it, is longer than the 16 MiB the encoder takes: fewer items may fit. */
export class BatchTooLargeError extends Error {
  override readonly name = "BatchTooLargeError";
}

/** A request, and what is missing in it. */
export interface EncodedRequest {
  /**
   * A view on the module's memory, good until the next call of anything of OTLP: who keeps it copies it at once, as
   * `new Blob([bytes])`, `new Response(bytes)` and `fetch(url, { body: bytes })` do.
   */
  readonly bytes: Uint8Array;
  /** Spans left out because their trace or span identifier is none. */
  readonly skipped: number;
}

/** Encodes export requests. */
export class OtlpEncoder {
  readonly #host: OtlpHost;
  readonly #writer = new BatchWriter();
  #isWriting = false;

  constructor(host: OtlpHost = otlpHost) {
    this.#host = host;
  }

  /** An ExportTraceServiceRequest; see {@link encodeTraces}. */
  traces(
    spans: readonly FinishedSpan[],
    resource: ResourceAttributes,
    scope: InstrumentationScope,
    format: OtlpFormat,
  ): EncodedRequest {
    const attributes = listAttributes(resource);
    return this.#encode(OtlpAbi.traces, format, (writer) => {
      writeHead(writer, attributes, scope);
      writeSpans(writer, spans);
    });
  }

  /** An ExportLogsServiceRequest; see {@link encodeLogs}. */
  logs(
    records: readonly LogRecord[],
    resource: ResourceAttributes,
    scope: InstrumentationScope,
    format: OtlpFormat,
  ): EncodedRequest {
    const attributes = listAttributes(resource);
    return this.#encode(OtlpAbi.logs, format, (writer) => {
      writeHead(writer, attributes, scope);
      writeLogs(writer, records);
    });
  }

  #encode(
    signal: number,
    format: OtlpFormat,
    write: (writer: BatchWriter) => void,
  ): EncodedRequest {
    // A getter in a value may encode something itself.
    const writer = this.#isWriting ? new BatchWriter() : this.#writer;
    const isOuter = !this.#isWriting;
    this.#isWriting = true;
    try {
      writeWhole(write, writer);
      const formatCode = format === "json" ? OtlpAbi.json : OtlpAbi.protobuf;
      return this.#host.use((core) => {
        let bytes = core.encode(signal, formatCode, writer);
        if (bytes === ErrorCode.invalidUtf8) {
          writer.clear();
          writer.repairsTexts = true;
          writeWhole(write, writer);
          bytes = core.encode(signal, formatCode, writer);
        }
        return encoded(core, bytes);
      });
    } finally {
      writer.clear();
      writer.repairsTexts = false;
      if (isOuter) this.#isWriting = false;
    }
  }
}

/** @throws BatchTooLargeError when no text or array can be as long. */
function writeWhole(write: (writer: BatchWriter) => void, writer: BatchWriter): void {
  try {
    write(writer);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new BatchTooLargeError("isotel: the batch is larger than can be", { cause });
  }
}

function encoded(core: OtlpCore, bytes: Uint8Array | number): EncodedRequest {
  if (typeof bytes !== "number") return { bytes, skipped: core.skipped };
  if (bytes === ErrorCode.tooLarge) {
    throw new BatchTooLargeError("isotel: the batch is larger than 16 MiB");
  }
  throw new Error(`isotel: the OTLP module answered error ${bytes}`);
}

const encoder = new OtlpEncoder();

/**
 * Encodes spans as one ExportTraceServiceRequest with one resource and one scope. A span whose trace or span
 * identifier is none (all zeros, or not the hexadecimal digits it takes) is left out.
 *
 * @returns the request, a view that is good until the next call; see {@link EncodedRequest.bytes}.
 * @throws BatchTooLargeError when fewer spans may fit; ModuleTrapError when the module trapped, a new instance takes the
 * next call.
 */
export function encodeTraces(
  spans: readonly FinishedSpan[],
  resource: ResourceAttributes,
  scope: InstrumentationScope,
  format: OtlpFormat,
): Uint8Array {
  return encoder.traces(spans, resource, scope, format).bytes;
}

/** Encodes log records as one ExportLogsServiceRequest; otherwise as {@link encodeTraces}. */
export function encodeLogs(
  records: readonly LogRecord[],
  resource: ResourceAttributes,
  scope: InstrumentationScope,
  format: OtlpFormat,
): Uint8Array {
  return encoder.logs(records, resource, scope, format).bytes;
}

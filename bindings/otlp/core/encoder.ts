import { joinedBytes } from "../../base/bytes.ts";
import { ErrorCode } from "../../core/abi.gen.ts";
import { OtlpAbi } from "./abi.gen.ts";
import { BatchWriter } from "./batch_writer.ts";
import {
  type Dialect,
  dialects,
  type FinishedSpan,
  type InstrumentationScope,
  type LogRecord,
  listAttributes,
  type OtlpFormat,
} from "./model.ts";
import { type OtlpCore, type OtlpHost, otlpHost } from "./otlp_core.ts";
import { writeHead, writeLogs, writeSpans } from "./write_batch.ts";

/** Attributes of a resource by key. */
export type ResourceAttributes = Readonly<Record<string, unknown>>;

/** The batch or the encoded request exceeds the limit of 16 MiB. Fewer items may fit. */
export class BatchTooLargeError extends Error {
  override readonly name = "BatchTooLargeError";
}

/** An encoded request, and the number of items that it leaves out. */
export interface EncodedRequest {
  /**
   * A view of the module's memory, valid until the next call of the OTLP module. Copy it at once to keep it. `new
   * Blob([bytes])`, `new Response(bytes)` and `fetch(url, { body: bytes })` copy it.
   */
  readonly bytes: Uint8Array;
  /** Number of spans that were left out because their trace id or span id is invalid. */
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

  /** Encodes an ExportTraceServiceRequest; see {@link encodeTraces}. */
  traces(
    spans: readonly FinishedSpan[],
    resource: ResourceAttributes,
    scope: InstrumentationScope,
    format: OtlpFormat,
    dialect?: Dialect,
  ): EncodedRequest {
    const attributes = listAttributes(resource);
    return byScope(spans, scope, format, (items, own) =>
      this.#encode(OtlpAbi.traces, format, dialect, (writer) => {
        writeHead(writer, attributes, own);
        writeSpans(writer, items);
      }),
    );
  }

  /** Encodes an ExportLogsServiceRequest; see {@link encodeLogs}. */
  logs(
    records: readonly LogRecord[],
    resource: ResourceAttributes,
    scope: InstrumentationScope,
    format: OtlpFormat,
  ): EncodedRequest {
    const attributes = listAttributes(resource);
    return byScope(records, scope, format, (items, own) =>
      this.#encode(OtlpAbi.logs, format, undefined, (writer) => {
        writeHead(writer, attributes, own);
        writeLogs(writer, items);
      }),
    );
  }

  #encode(
    signal: number,
    format: OtlpFormat,
    dialect: Dialect | undefined,
    write: (writer: BatchWriter) => void,
  ): EncodedRequest {
    // A getter in a value may call the encoder again.
    const writer = this.#isWriting ? new BatchWriter() : this.#writer;
    const isOuter = !this.#isWriting;
    this.#isWriting = true;
    try {
      writeWhole(write, writer);
      const formatCode = format === "json" ? OtlpAbi.json : OtlpAbi.protobuf;
      const dialectCode = dialect === undefined ? OtlpAbi.dialectNone : dialects[dialect];
      return this.#host.use((core) => {
        let bytes = core.encode(signal, formatCode, dialectCode, writer);
        if (bytes === ErrorCode.invalidUtf8) {
          writer.clear();
          writer.repairsTexts = true;
          writeWhole(write, writer);
          bytes = core.encode(signal, formatCode, dialectCode, writer);
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

interface Scoped {
  readonly scope?: InstrumentationScope | undefined;
}

/** Encodes the items of each scope, and joins these requests to one that repeats the resource. */
function byScope<T extends Scoped>(
  items: readonly T[],
  scope: InstrumentationScope,
  format: OtlpFormat,
  encode: (items: readonly T[], scope: InstrumentationScope) => EncodedRequest,
): EncodedRequest {
  if (items.every((item) => item.scope === undefined)) return encode(items, scope);
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const { name, version } = item.scope ?? scope;
    const key = JSON.stringify([name, version]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  const requests = Array.from(groups.values(), (group) => {
    const { bytes, skipped } = encode(group, group[0]?.scope ?? scope);
    return { bytes: bytes.slice(), skipped };
  });
  const all = requests.map(({ bytes }) => bytes);
  return {
    bytes: joinedBytes(format === "json" ? jsonParts(all) : all),
    skipped: requests.reduce((sum, { skipped }) => sum + skipped, 0),
  };
}

/** Requests in JSON are an object with one list. Requests in protobuf can be joined as they are. */
function jsonParts(requests: readonly Uint8Array[]): Uint8Array[] {
  const comma = Uint8Array.of(0x2c);
  const end = "]}".length;
  return requests.flatMap((bytes, i) => {
    const from = i === 0 ? 0 : bytes.indexOf(0x5b) + 1;
    const isLast = i === requests.length - 1;
    const part = bytes.subarray(from, isLast ? bytes.length : bytes.length - end);
    return i === 0 ? [part] : [comma, part];
  });
}

/** @throws BatchTooLargeError if the batch exceeds the maximum length of a JavaScript string or array. */
function writeWhole(write: (writer: BatchWriter) => void, writer: BatchWriter): void {
  try {
    write(writer);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new BatchTooLargeError(
      "isotel: the batch is longer than a JavaScript string or array can be; send fewer items at once",
      { cause },
    );
  }
}

function encoded(core: OtlpCore, bytes: Uint8Array | number): EncodedRequest {
  if (typeof bytes !== "number") return { bytes, skipped: core.skipped };
  if (bytes === ErrorCode.tooLarge) {
    throw new BatchTooLargeError(
      "isotel: the batch is larger than 16 MiB; send fewer items at once",
    );
  }
  throw new Error(`isotel: the OTLP module answered error ${bytes}`);
}

const encoder = new OtlpEncoder();

/**
 * Encodes spans as one ExportTraceServiceRequest. `scope` is that of the spans without one of their own. Leaves out spans with an invalid
 * trace id or span id: all zeros, or not 32 or 16 hexadecimal digits.
 *
 * @param dialect What a backend reads besides the attributes `gen_ai.*`; see src/otlp/dialects.def. Default: none.
 * @returns The request, as a view that is valid until the next call; see {@link EncodedRequest.bytes}.
 * @throws BatchTooLargeError if the batch is too large. Fewer spans may fit.
 * @throws ModuleTrapError if the module trapped. The next call uses a new instance.
 */
export function encodeTraces(
  spans: readonly FinishedSpan[],
  resource: ResourceAttributes,
  scope: InstrumentationScope,
  format: OtlpFormat,
  dialect?: Dialect,
): Uint8Array {
  return encoder.traces(spans, resource, scope, format, dialect).bytes;
}

/** Encodes log records as one ExportLogsServiceRequest. Limits, result and errors are those of {@link encodeTraces}. */
export function encodeLogs(
  records: readonly LogRecord[],
  resource: ResourceAttributes,
  scope: InstrumentationScope,
  format: OtlpFormat,
): Uint8Array {
  return encoder.logs(records, resource, scope, format).bytes;
}

import { aggregatorCounterNames, MetricsFormat } from "../../aggregate/totals/abi.gen.ts";
import {
  type Aggregate,
  AggregationError,
  createAggregate,
} from "../../aggregate/totals/aggregate.ts";
import { CliError, type Command, option, type Report, usageError } from "../command.ts";
import { readFileAt } from "../read_file.ts";

const formats: Readonly<Record<string, number>> = {
  json: MetricsFormat.json,
  text: MetricsFormat.text,
  openmetrics: MetricsFormat.openMetrics,
};

/** A snapshot is a value of KV, which has at most 25 MiB. */
const maxBytes = 32 * 1024 * 1024;

/** The first bytes of a file, as in src/metrics/SNAPSHOT_FORMAT.md. */
const kinds: Readonly<Record<string, "frame" | "snapshot" | "chunk">> = {
  ISF: "frame",
  ISS: "snapshot",
  ISC: "chunk",
};

/** `isotel decode`: shows the content of a snapshot or a delta frame. */
export const decode: Command = {
  usage: "decode FILE",
  summary: "Show the content of a metrics snapshot or a delta frame",
  options: { format: option("FORMAT", "json, text or openmetrics. Default: json") },
  positionals: [1, 1],
  async run({ io, positionals, text }) {
    const path = positionals[0] as string;
    const name = text("format") ?? "json";
    const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
    if (format === undefined) {
      throw usageError(
        `--format is ${name}; it has to be one of ${Object.keys(formats).join(", ")}`,
      );
    }
    return reportOf(path, readFileAt(io, path, maxBytes), format);
  },
};

function reportOf(path: string, bytes: Uint8Array, format: number): Report {
  const kind = kinds[new TextDecoder("latin1").decode(bytes.subarray(0, 3))];
  if (kind === undefined) {
    throw new CliError(
      `${path} is neither a snapshot nor a frame: it does not begin with ISS or ISF`,
    );
  }
  if (kind === "chunk") {
    throw new CliError(
      `${path} is one chunk of an aggregator's state, which cannot be shown by itself: decode a snapshot`,
    );
  }
  try {
    const { head, show } = kind === "frame" ? readFrame(bytes) : readSnapshot(bytes);
    const metrics = JSON.parse(show(MetricsFormat.json)) as object;
    const json = { kind, bytes: bytes.length, ...head, ...metrics };
    const isJson = format === MetricsFormat.json;
    return { json, text: isJson ? `${JSON.stringify(json, null, 2)}\n` : show(format) };
  } catch (cause) {
    if (!(cause instanceof AggregationError)) throw cause;
    throw new CliError(`${path}: ${cause.message.replace(/^isotel: /, "")}`);
  }
}

interface Decoded {
  readonly head: object;
  /** Returns the exposition in a format. */
  show(format: number): string;
}

function readSnapshot(bytes: Uint8Array): Decoded {
  const aggregate = createAggregate();
  const { version, unixMs } = aggregate.peek(bytes);
  return {
    head: { version, made: dateOf(unixMs) },
    // At a later time, series that have expired since would be missing.
    show: exposed(aggregate, bytes, unixMs),
  };
}

/** Decodes a frame by adding it to empty totals. */
function readFrame(bytes: Uint8Array): Decoded {
  const aggregate = createAggregate();
  const { made, ...head } = frameHead(bytes);
  aggregate.load([]);
  // Uses the time of the frame. At a later time the frame could be too old.
  const code = aggregate.apply(bytes, made);
  if (code < 0) throw new AggregationError("the frame cannot be read", code);
  const show = exposed(aggregate, aggregate.snapshot(made), made);
  return {
    head: { ...head, made: dateOf(made) },
    show: (format) =>
      format === MetricsFormat.json ? withoutTotals(show(format)) : withoutTotalLines(show(format)),
  };
}

function exposed(aggregate: Aggregate, snapshot: Uint8Array, now: number) {
  aggregate.merge([snapshot]);
  return (format: number): string =>
    new TextDecoder().decode(aggregate.render({ format, escaping: 0 }, 0, now));
}

function dateOf(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

/** Reads the producer, the sequence number and the time of a frame. The values of a damaged frame are meaningless. */
function frameHead(bytes: Uint8Array): { producer: string; sequence: string; made: number } {
  const idStart = 4;
  const idEnd = idStart + 16;
  const producer = Buffer.from(bytes.subarray(idStart, idEnd)).toString("hex");
  let sequence = 0n;
  let at = idEnd;
  for (let shift = 0n; at < bytes.length && shift < 64n; shift += 7n) {
    const byte = bytes[at] as number;
    at += 1;
    sequence |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const time = bytes.subarray(at, at + 8);
  const made = time.length < 8 ? 0 : Number(Buffer.from(time).readBigUInt64LE());
  return { producer, sequence: String(sequence), made };
}

// Self-metrics of the totals are not shown for a frame, because the totals exist only to decode it.
const ofTotals: ReadonlySet<string> = new Set(aggregatorCounterNames);
const isOfTotals = (name: string) => ofTotals.has(name) || name.startsWith("isotel_snapshot");

function withoutTotals(exposition: string): string {
  const { families, ...rest } = JSON.parse(exposition) as { families: { name: string }[] };
  return JSON.stringify({ ...rest, families: families.filter(({ name }) => !isOfTotals(name)) });
}

function withoutTotalLines(exposition: string): string {
  const name = /^(?:# (?:HELP|TYPE|UNIT) )?(\w+?)(?:_total|_created|_seconds)?(?:[ {]|$)/;
  return exposition
    .split("\n")
    .filter((line) => !isOfTotals(name.exec(line)?.[1] ?? ""))
    .join("\n");
}

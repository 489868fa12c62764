import { protobufAttributes } from "./requests.ts";
import { messagesIn, wireFields } from "./wire.ts";

/** Buckets of one side of an exponential histogram, from `offset` on. */
export interface ReceivedBuckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

/** A data point as the receiver read it. Times are milliseconds. */
export interface ReceivedPoint {
  readonly name: string;
  readonly kind: "gauge" | "sum" | "histogram" | "exponentialHistogram";
  /** 1 delta, 2 cumulative; 0 of gauges. */
  readonly temporality: number;
  readonly isMonotonic: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly startUnixMs: number;
  readonly unixMs: number;
  /** Of gauges and sums. */
  readonly value: number;
  /** Of histograms, as is what follows. */
  readonly count: number;
  readonly sum: number;
  readonly bounds: readonly number[];
  readonly bucketCounts: readonly number[];
  readonly scale: number;
  readonly zeroCount: number;
  readonly positive: ReceivedBuckets;
  readonly negative: ReceivedBuckets;
}

type Fields = ReadonlyMap<number, bigint | Uint8Array>;

const kinds = new Map([
  [5, "gauge"],
  [7, "sum"],
  [9, "histogram"],
  [10, "exponentialHistogram"],
] as const);

const noBytes = new Uint8Array(0);
const text = (value: unknown) => new TextDecoder().decode((value as Uint8Array) ?? noBytes);
const bytesOf = (value: unknown) => (value as Uint8Array | undefined) ?? noBytes;
const numberOf = (value: unknown) => Number((value as bigint | undefined) ?? 0n);
const signed = (value: unknown) => Number(BigInt.asIntN(64, (value as bigint | undefined) ?? 0n));
const doubleOf = (value: unknown) =>
  new Float64Array(new BigUint64Array([(value as bigint | undefined) ?? 0n]).buffer)[0] ?? 0;
const zigzag = (value: unknown) => {
  const bits = (value as bigint | undefined) ?? 0n;
  return Number((bits >> 1n) ^ -(bits & 1n));
};

/** The data points of an ExportMetricsServiceRequest in protobuf. */
export function readMetricsProtobuf(body: Uint8Array): ReceivedPoint[] {
  return messagesIn(body, 1)
    .flatMap((resource) => messagesIn(resource, 2))
    .flatMap((scope) => messagesIn(scope, 2))
    .flatMap(pointsOf);
}

function pointsOf(metric: Uint8Array): ReceivedPoint[] {
  const fields: Fields = new Map(wireFields(metric));
  for (const [field, kind] of kinds) {
    const data = fields.get(field);
    if (!(data instanceof Uint8Array)) continue;
    const of: Fields = new Map(wireFields(data));
    const shared = {
      name: text(fields.get(1)),
      kind,
      temporality: numberOf(of.get(2)),
      isMonotonic: of.get(3) === 1n,
    };
    return messagesIn(data, 1).map((point) => ({ ...shared, ...pointOf(point, kind) }));
  }
  return [];
}

function pointOf(message: Uint8Array, kind: ReceivedPoint["kind"]) {
  const point: Fields = new Map(wireFields(message));
  const isNumber = kind === "gauge" || kind === "sum";
  const isExponential = kind === "exponentialHistogram";
  const attributes = isNumber ? 7 : isExponential ? 1 : 9;
  return {
    attributes: protobufAttributes(messagesIn(message, attributes)),
    startUnixMs: numberOf(point.get(2)) / 1e6,
    unixMs: numberOf(point.get(3)) / 1e6,
    value: !isNumber ? 0 : point.has(6) ? signed(point.get(6)) : doubleOf(point.get(4)),
    count: isNumber ? 0 : numberOf(point.get(4)),
    sum: isNumber ? 0 : doubleOf(point.get(5)),
    bounds: kind === "histogram" ? fixed64s(point.get(7)).map(doubleOf) : [],
    bucketCounts: kind === "histogram" ? fixed64s(point.get(6)).map(Number) : [],
    scale: isExponential ? zigzag(point.get(6)) : 0,
    zeroCount: isExponential ? numberOf(point.get(7)) : 0,
    positive: bucketsOf(isExponential ? point.get(8) : undefined),
    negative: bucketsOf(isExponential ? point.get(9) : undefined),
  };
}

function bucketsOf(message: unknown): ReceivedBuckets {
  const fields: Fields = new Map(wireFields(bytesOf(message)));
  return { offset: zigzag(fields.get(1)), counts: varints(bytesOf(fields.get(2))) };
}

function fixed64s(packed: unknown): bigint[] {
  const bytes = bytesOf(packed);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, index) => view.getBigUint64(8 * index, true));
}

function varints(packed: Uint8Array): number[] {
  const numbers: number[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of packed) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    numbers.push(Number(value));
    [value, shift] = [0n, 0n];
  }
  return numbers;
}

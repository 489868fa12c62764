// Reads OTLP requests with code that was generated from the official definitions, and is nobody's encoder here.
import definitions from "otlp-definitions/build/src/generated/root.js";

/** A message as plain data: all fields present, 64-bit numbers as texts, bytes in base64. */
export type Message = Readonly<Record<string, unknown>>;

interface MessageType {
  decode(bytes: Uint8Array): object;
  fromObject(plain: unknown): object;
  toObject(message: object, options: object): Message;
}

export type Signal = "traces" | "logs" | "metrics";

const { collector } = (definitions as unknown as { opentelemetry: { proto: Collectors } })
  .opentelemetry.proto;

interface Collectors {
  readonly collector: {
    readonly trace: { v1: { ExportTraceServiceRequest: MessageType } };
    readonly logs: { v1: { ExportLogsServiceRequest: MessageType } };
    readonly metrics: { v1: { ExportMetricsServiceRequest: MessageType } };
  };
}

const types: Readonly<Record<Signal, MessageType>> = {
  traces: collector.trace.v1.ExportTraceServiceRequest,
  logs: collector.logs.v1.ExportLogsServiceRequest,
  metrics: collector.metrics.v1.ExportMetricsServiceRequest,
};

const options = { defaults: true, longs: String, bytes: String };

export function readProtobuf(signal: Signal, bytes: Uint8Array): Message {
  const type = types[signal];
  return complete(type.toObject(type.decode(bytes), options)) as Message;
}

/** The same for JSON. Throws for a field that the definitions do not have. */
export function readJson(signal: Signal, bytes: Uint8Array): Message {
  const type = types[signal];
  const plain: unknown = JSON.parse(
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
  );
  const message = type.toObject(type.fromObject(withBase64Ids(plain)), options);
  assertNothingLost(plain, message, "request");
  return complete(message) as Message;
}

const ids = new Set(["traceId", "spanId", "parentSpanId"]);

function withBase64Ids(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBase64Ids);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, field]) => [
    key,
    ids.has(key) ? Buffer.from(field as string, "hex").toString("base64") : withBase64Ids(field),
  ]);
  return Object.fromEntries(entries);
}

function assertNothingLost(plain: unknown, message: unknown, path: string): void {
  if (typeof plain !== "object" || plain === null) return;
  for (const [key, value] of Object.entries(plain)) {
    const kept = (message as Record<string, unknown>)[key];
    if (kept === undefined) throw new Error(`${path}.${key} is not in the definitions.`);
    assertNothingLost(value, kept, `${path}.${key}`);
  }
}

const unsigned = /UnixNano$|^count$|^zeroCount$|^bucketCounts$/;

/**
 * A message that is left out and one that is empty say the same where it is a span's status. The generated code reads
 * fixed64 as signed from JSON and as unsigned from protobuf.
 */
function complete(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => complete(item, name));
  if (typeof value === "string" && unsigned.test(name)) {
    return BigInt.asUintN(64, BigInt(value)).toString();
  }
  if (typeof value !== "object") return value;
  if (value === null) return name === "status" ? { message: "", code: 0 } : null;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, complete(field, key)]),
  );
}

import { messagesIn, wireFields } from "./wire.ts";

/** A span or a log record as the receiver read it, as far as tests look at it. */
export interface ReceivedItem {
  /** Of a span; the body of a log record that is a text. */
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly flags: number;
  /** Of a span, in milliseconds since the Unix epoch; 0 for log records. */
  readonly startUnixMs: number;
  /** Of a span, in milliseconds. */
  readonly durationMs: number;
  /** Of a log record that is an event. */
  readonly eventName: string;
  /** Of a log record: number and text. 0 and empty for spans. */
  readonly severity: readonly [number, string];
  /** 0 for log records. */
  readonly kind: number;
  /** Of a span's status. */
  readonly status: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
  /** Trace and span ids of the spans that a span links to. */
  readonly links: readonly (readonly [traceId: string, spanId: string])[];
  readonly droppedAttributes: number;
  /** Of the program that made it. */
  readonly resource: Readonly<Record<string, unknown>>;
  /** Name and version of the instrumentation scope. */
  readonly scope: readonly [name: string, version: string];
  /** The whole item, if the request was JSON. */
  readonly json?: Readonly<Record<string, unknown>>;
}

export interface ReceivedBody {
  /** The first one's, where there are several. */
  readonly resource: Readonly<Record<string, unknown>>;
  readonly items: readonly ReceivedItem[];
}

/** What an export request of one signal says. Throws when it is none. */
export function readRequest(body: Uint8Array, isJson: boolean, isLogs: boolean): ReceivedBody {
  return isJson ? readJson(body, isLogs) : readProtobuf(body, isLogs);
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of a shape that is being found out
type Json = any;

function readJson(body: Uint8Array, isLogs: boolean): ReceivedBody {
  const request: Json = JSON.parse(
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body),
  );
  const resources: Json[] = (isLogs ? request.resourceLogs : request.resourceSpans) ?? [];
  const read = (
    { item, scope }: { item: Json; scope: Json },
    resource: Readonly<Record<string, unknown>>,
  ): ReceivedItem => ({
    name: isLogs ? (item.body?.stringValue ?? "") : item.name,
    traceId: item.traceId ?? "",
    spanId: item.spanId ?? "",
    parentSpanId: item.parentSpanId ?? "",
    traceState: item.traceState ?? "",
    flags: item.flags ?? 0,
    startUnixMs: unixMs(item.startTimeUnixNano),
    durationMs: durationOf(item.startTimeUnixNano, item.endTimeUnixNano),
    eventName: item.eventName ?? "",
    severity: [item.severityNumber ?? 0, item.severityText ?? ""],
    kind: item.kind ?? 0,
    status: item.status?.code ?? 0,
    attributes: jsonAttributes(item.attributes),
    events: (item.events ?? []).map((event: Json) => event.name),
    links: (item.links ?? []).map((link: Json) => [link.traceId, link.spanId]),
    droppedAttributes: item.droppedAttributesCount ?? 0,
    resource,
    scope: [scope?.name ?? "", scope?.version ?? ""],
    json: item,
  });
  const groups = resources.map(({ resource, scopeLogs, scopeSpans }) => ({
    resource: jsonAttributes(resource.attributes),
    items: ((isLogs ? scopeLogs : scopeSpans) as Json[]).flatMap(({ logRecords, spans, scope }) =>
      ((isLogs ? logRecords : spans) as Json[]).map((item) => ({ item, scope })),
    ),
  }));
  return {
    resource: groups[0]?.resource ?? {},
    items: groups.flatMap(({ resource, items }) => items.map((item) => read(item, resource))),
  };
}

/** Microseconds are as fine as a number can tell. */
function unixMs(nano: unknown): number {
  return Number(BigInt((nano as bigint) ?? 0) / 1000n) / 1000;
}

function durationOf(startNano: unknown, endNano: unknown): number {
  return Number(BigInt((endNano as bigint) ?? 0) - BigInt((startNano as bigint) ?? 0)) / 1e6;
}

function jsonAttributes(list: Json[] | undefined): Record<string, unknown> {
  return Object.fromEntries((list ?? []).map(({ key, value }) => [key, jsonValue(value)]));
}

function jsonValue(value: Json): unknown {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(jsonValue);
  if (value.kvlistValue !== undefined) return jsonAttributes(value.kvlistValue.values);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}

const noBytes = new Uint8Array(0);
const text = (bytes: unknown) =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes as Uint8Array);
const hex = (bytes: unknown) =>
  Buffer.from((bytes as Uint8Array | undefined) ?? noBytes).toString("hex");

function readProtobuf(body: Uint8Array, isLogs: boolean): ReceivedBody {
  const read = isLogs ? protobufLog : protobufSpan;
  const groups = messagesIn(body, 1).map((group) => {
    const [resource = noBytes] = messagesIn(group, 1);
    return {
      resource: protobufAttributes(messagesIn(resource, 1)),
      items: messagesIn(group, 2).flatMap((inScope) => {
        const scope = new Map(wireFields(messagesIn(inScope, 1)[0] ?? noBytes));
        const names = [text(scope.get(1) ?? noBytes), text(scope.get(2) ?? noBytes)] as const;
        return messagesIn(inScope, 2).map((item) => ({ item, scope: names }));
      }),
    };
  });
  return {
    resource: groups[0]?.resource ?? {},
    items: groups.flatMap(({ resource, items }) =>
      items.map(({ item, scope }) => ({ ...read(item), resource, scope })),
    ),
  };
}

/** The attributes of the first resource of a request in protobuf, whatever its signal. */
export function resourceIn(body: Uint8Array): Record<string, unknown> {
  const [resource = noBytes] = messagesIn(body, 1).flatMap((one) => messagesIn(one, 1));
  return protobufAttributes(messagesIn(resource, 1));
}

type Item = Omit<ReceivedItem, "resource" | "scope">;

function protobufSpan(message: Uint8Array): Item {
  const fields = new Map(wireFields(message));
  const status = new Map(wireFields((fields.get(15) as Uint8Array | undefined) ?? noBytes));
  return {
    name: text(fields.get(5) ?? noBytes),
    traceId: hex(fields.get(1)),
    spanId: hex(fields.get(2)),
    parentSpanId: hex(fields.get(4)),
    traceState: text(fields.get(3) ?? noBytes),
    flags: Number(fields.get(16) ?? 0n),
    startUnixMs: unixMs(fields.get(7)),
    durationMs: durationOf(fields.get(7), fields.get(8)),
    eventName: "",
    severity: [0, ""],
    kind: Number(fields.get(6) ?? 0n),
    status: Number(status.get(3) ?? 0n),
    attributes: protobufAttributes(messagesIn(message, 9)),
    events: messagesIn(message, 11).map((event) => text(new Map(wireFields(event)).get(2))),
    links: messagesIn(message, 13).map((link) => {
      const ids = new Map(wireFields(link));
      return [hex(ids.get(1)), hex(ids.get(2))] as const;
    }),
    droppedAttributes: Number(fields.get(10) ?? 0n),
  };
}

function protobufLog(message: Uint8Array): Item {
  const fields = new Map(wireFields(message));
  const body = fields.get(5) as Uint8Array | undefined;
  return {
    name: body === undefined ? "" : String(protobufValue(body)),
    traceId: hex(fields.get(9)),
    spanId: hex(fields.get(10)),
    parentSpanId: "",
    traceState: "",
    flags: Number(fields.get(8) ?? 0n),
    startUnixMs: 0,
    durationMs: 0,
    eventName: text(fields.get(12) ?? noBytes),
    severity: [Number(fields.get(2) ?? 0n), text(fields.get(3) ?? noBytes)],
    kind: 0,
    status: 0,
    attributes: protobufAttributes(messagesIn(message, 6)),
    events: [],
    links: [],
    droppedAttributes: Number(fields.get(7) ?? 0n),
  };
}

export function protobufAttributes(messages: readonly Uint8Array[]): Record<string, unknown> {
  return Object.fromEntries(
    messages.map((message) => {
      const fields = new Map(wireFields(message));
      return [text(fields.get(1)), protobufValue((fields.get(2) as Uint8Array) ?? noBytes)];
    }),
  );
}

function protobufValue(message: Uint8Array): unknown {
  const [[field, value] = [0, noBytes]] = wireFields(message);
  switch (field) {
    case 1:
      return text(value);
    case 2:
      return value === 1n;
    case 3:
      return Number(BigInt.asIntN(64, value as bigint));
    case 4:
      return new Float64Array(new BigUint64Array([value as bigint]).buffer)[0];
    case 5:
      return messagesIn(value as Uint8Array, 1).map(protobufValue);
    case 6:
      return protobufAttributes(messagesIn(value as Uint8Array, 1));
    default:
      return undefined;
  }
}

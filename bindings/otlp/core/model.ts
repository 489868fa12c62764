import { cleanValue, type KeptParameters } from "../../base/address.ts";

/** Attributes in the order in which they were set. A key may stand there more than once: its last value counts. */
export interface AttributeList {
  readonly keys: readonly string[];
  /**
   * As many values as keys. What OTLP can carry: strings, numbers (safe integers go out as integers, the rest as
   * doubles), booleans, bigints (past 64 bits as decimal text), Uint8Array and ArrayBuffer, lists and plain objects of
   * these; null is a value that is empty. An attribute whose value is undefined, a function or a symbol is left out.
   */
  readonly values: readonly unknown[];
}

/** Codes of a span's kind, as in OTLP. */
export const SpanKind = {
  unspecified: 0,
  internal: 1,
  server: 2,
  client: 3,
  producer: 4,
  consumer: 5,
} as const;

/** Codes of a span's status, as in OTLP. */
export const StatusCode = { unset: 0, ok: 1, error: 2 } as const;

/** Codes of a log record's severity, as in OTLP; each has three finer ones after it. */
export const Severity = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 } as const;

/** Something that happened while a span was open. */
export interface SpanEvent {
  readonly name: string;
  /** Milliseconds since the Unix epoch, fractions included. */
  readonly unixMs: number;
  readonly attributes: AttributeList;
  readonly droppedAttributesCount: number;
}

/** A span this one belongs together with. */
export interface SpanLink {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** The W3C tracestate of that span; empty for none. */
  readonly traceState: string;
  /** W3C trace flags of that span, the low eight bits. */
  readonly flags: number;
  /** Whether it is a span of another process; undefined where nobody knows. */
  readonly isRemote?: boolean | undefined;
  readonly attributes: AttributeList;
  readonly droppedAttributesCount: number;
}

/** A span that has ended, with everything OTLP says about one. */
export interface FinishedSpan {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** 16 hexadecimal digits; empty for a root. */
  readonly parentSpanId: string;
  /** Whether the parent is a span of another process: undefined where nobody knows. */
  readonly isParentRemote: boolean | undefined;
  /** The W3C tracestate; empty for none. */
  readonly traceState: string;
  /** W3C trace flags, the low eight bits. */
  readonly flags: number;
  readonly name: string;
  /** A code of {@link SpanKind}. */
  readonly kind: number;
  /** Milliseconds since the Unix epoch, fractions included. An end before the start is taken as the start. */
  readonly startUnixMs: number;
  readonly endUnixMs: number;
  readonly attributes: AttributeList;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  /** `code` is one of {@link StatusCode}. */
  readonly status: { readonly code: number; readonly message: string };
  readonly droppedAttributesCount: number;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
}

/** A log record, with everything OTLP says about one. */
export interface LogRecord {
  /** Milliseconds since the Unix epoch, fractions included; 0 where nobody knows. */
  readonly unixMs: number;
  /** When this process saw it. */
  readonly observedUnixMs: number;
  /** A code of {@link Severity} or one of the finer ones, 1 to 24; 0 for none. */
  readonly severityNumber: number;
  /** The level as its source calls it; empty for none. */
  readonly severityText: string;
  /** Any value an attribute can have; undefined for none. */
  readonly body: unknown;
  readonly attributes: AttributeList;
  readonly droppedAttributesCount: number;
  /** 32 hexadecimal digits; empty outside of any trace. */
  readonly traceId: string;
  /** 16 hexadecimal digits; empty outside of any span. */
  readonly spanId: string;
  /** W3C trace flags, the low eight bits. */
  readonly flags: number;
  /** Names the kind of event this record is; empty for none. */
  readonly eventName: string;
}

/** Who made spans or log records: a library or a part of the program. */
export interface InstrumentationScope {
  readonly name: string;
  /** Empty for none. */
  readonly version: string;
  readonly attributes?: AttributeList;
}

export type OtlpFormat = "protobuf" | "json";

/** The attributes of `record`, as a list. */
export function listAttributes(record: Readonly<Record<string, unknown>>): AttributeList {
  return { keys: Object.keys(record), values: Object.values(record) };
}

/** The attributes of `record` as a list, without secrets of addresses. */
export function cleanAttributes(
  record: Readonly<Record<string, unknown>>,
  kept: KeptParameters,
): AttributeList {
  const keys = Object.keys(record);
  return { keys, values: keys.map((key) => cleanValue(key, record[key], kept)) };
}

/** The bit of the trace flags that says that the trace is recorded. */
export const sampledFlag = 1;

/** Who makes what is exported. */
export const ownScope: InstrumentationScope = { name: "isotel", version: "" };

/** A span that others may be children of. */
export interface ParentSpan {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** W3C trace flags. */
  readonly flags: number;
  /** The W3C tracestate; empty for none. */
  readonly traceState: string;
  /** Whether it is a span of another process. */
  readonly isRemote: boolean;
}

/** Whether the trace flags of a span say that its trace is recorded. */
export function isSampled({ flags }: Pick<ParentSpan, "flags">): boolean {
  return (flags & sampledFlag) !== 0;
}

import { cleanValue, type KeptParameters } from "../../base/address.ts";
import { OtlpAbi } from "./abi.gen.ts";

/** Attributes in the order in which they were set. If a key occurs more than once, its last value counts. */
export interface AttributeList {
  readonly keys: readonly string[];
  /**
   * One value for each key. OTLP can carry:
   *
   * - strings and booleans
   * - numbers: safe integers as integers, all others as doubles
   * - bigints: as decimal text if they exceed 64 bits
   * - Uint8Array and ArrayBuffer
   * - lists and plain objects of these
   * - null, as an empty value
   *
   * An attribute whose value is undefined, a function or a symbol is left out.
   */
  readonly values: readonly unknown[];
}

/** Codes of span kinds in OTLP. */
export const SpanKind = {
  unspecified: 0,
  internal: 1,
  server: 2,
  client: 3,
  producer: 4,
  consumer: 5,
} as const;

/** Codes of span statuses in OTLP. */
export const StatusCode = { unset: 0, ok: 1, error: 2 } as const;

/** Codes of log severities in OTLP. Each is followed by three finer levels. */
export const Severity = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 } as const;

/** An event of a span. */
export interface SpanEvent {
  readonly name: string;
  /** Milliseconds since the Unix epoch. Fractions are allowed. */
  readonly unixMs: number;
  readonly attributes: AttributeList;
  readonly droppedAttributesCount: number;
}

/** A link to another span. */
export interface SpanLink {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** The W3C tracestate of the linked span. Empty if it has none. */
  readonly traceState: string;
  /** W3C trace flags of the linked span, the low eight bits. */
  readonly flags: number;
  /** Whether the linked span belongs to another process. Undefined if unknown. */
  readonly isRemote?: boolean | undefined;
  readonly attributes: AttributeList;
  readonly droppedAttributesCount: number;
}

/** A span that has ended, with all fields of OTLP. */
export interface FinishedSpan {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** 16 hexadecimal digits. Empty for a root span. */
  readonly parentSpanId: string;
  /** Whether the parent belongs to another process. Undefined if unknown. */
  readonly isParentRemote: boolean | undefined;
  /** The W3C tracestate. Empty if there is none. */
  readonly traceState: string;
  /** W3C trace flags, the low eight bits. */
  readonly flags: number;
  readonly name: string;
  /** A code of {@link SpanKind}. */
  readonly kind: number;
  /** Milliseconds since the Unix epoch. Fractions are allowed. An end before the start is replaced by the start. */
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
  /** The library that opened the span. Default: the scope of the request. */
  readonly scope?: InstrumentationScope | undefined;
}

/** A log record with all fields of OTLP. */
export interface LogRecord {
  /** Milliseconds since the Unix epoch. Fractions are allowed. 0 if unknown. */
  readonly unixMs: number;
  /** Time at which this process observed the record. */
  readonly observedUnixMs: number;
  /** A code of {@link Severity} or a finer level, 1 to 24. 0 if there is none. */
  readonly severityNumber: number;
  /** The severity as its source names it. Empty if there is none. */
  readonly severityText: string;
  /** Any attribute value. Undefined if there is none. */
  readonly body: unknown;
  readonly attributes: AttributeList;
  readonly droppedAttributesCount: number;
  /** 32 hexadecimal digits. Empty outside of a trace. */
  readonly traceId: string;
  /** 16 hexadecimal digits. Empty outside of a span. */
  readonly spanId: string;
  /** W3C trace flags, the low eight bits. */
  readonly flags: number;
  /** Name of the kind of event. Empty if there is none. */
  readonly eventName: string;
  /** The library that made the record. Default: the scope of the request. */
  readonly scope?: InstrumentationScope | undefined;
}

/** The instrumentation scope of spans or log records: a library or a part of the program. */
export interface InstrumentationScope {
  readonly name: string;
  /** Empty if there is none. */
  readonly version: string;
  readonly attributes?: AttributeList;
}

export type OtlpFormat = "protobuf" | "json";

/** What AI backends read besides the attributes `gen_ai.*`; see src/otlp/dialects.def. */
export type Dialect = "openinference" | "langfuse" | "langsmith" | "braintrust" | "sentry";

/** The dialects, with their numbers. */
export const dialects: Readonly<Record<Dialect, number>> = {
  openinference: OtlpAbi.dialectOpeninference,
  langfuse: OtlpAbi.dialectLangfuse,
  langsmith: OtlpAbi.dialectLangsmith,
  braintrust: OtlpAbi.dialectBraintrust,
  sentry: OtlpAbi.dialectSentry,
};

/** Returns the attributes of `record` as a list. */
export function listAttributes(record: Readonly<Record<string, unknown>>): AttributeList {
  return { keys: Object.keys(record), values: Object.values(record) };
}

/** Returns the attributes of `record` as a list, without the secrets in URLs. */
export function cleanAttributes(
  record: Readonly<Record<string, unknown>>,
  kept: KeptParameters,
): AttributeList {
  const keys = Object.keys(record);
  return { keys, values: keys.map((key) => cleanValue(key, record[key], kept)) };
}

/** The bit of the trace flags that marks a recorded trace. */
export const sampledFlag = 1;

/** The instrumentation scope of everything that isotel exports. */
export const ownScope: InstrumentationScope = { name: "isotel", version: "" };

/** A span that can have children. */
export interface ParentSpan {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** W3C trace flags. */
  readonly flags: number;
  /** The W3C tracestate. Empty if there is none. */
  readonly traceState: string;
  /** Whether the span belongs to another process. */
  readonly isRemote: boolean;
}

/** Returns whether the trace flags of a span mark its trace as recorded. */
export function isSampled({ flags }: Pick<ParentSpan, "flags">): boolean {
  return (flags & sampledFlag) !== 0;
}

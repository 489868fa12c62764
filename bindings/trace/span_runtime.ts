import { cutToBytes } from "../base/bytes.ts";
import { Limits } from "../core/abi.gen.ts";
import type { AttributeValue } from "../core/core.ts";

export type { AttributeValue };

/** Attributes by key; entries that are undefined are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

export type StatusCode = "unset" | "ok" | "error";

/** W3C identity of a span. */
export interface SpanContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  readonly traceFlags: number;
}

/** One span of a runtime. Methods are silent after `end()`. */
export interface SpanWriter {
  readonly isTraced: boolean;
  /** Whether the runtime's byte budget applies to this span; as its capabilities say where it is absent. */
  readonly byteBudget?: boolean;
  /** Whether the span takes values whole too, whatever is cut or dropped for the byte budget. */
  readonly acceptsUntruncated?: boolean;
  /** @param whole the value before it was cut, where it was. */
  setAttribute(key: string, value: AttributeValue, whole?: AttributeValue): void;
  /** An attribute there is no room for within the byte budget. */
  setUntruncated?(key: string, value: AttributeValue): void;
  /** A code of OTLP's span kinds. */
  setKind?(kind: number): void;
  /** Why the span fails: its error.type. */
  recordFailure?(type: string): void;
  setStatus?(status: { code: StatusCode; message?: string }): void;
  updateName?(name: string): void;
  recordException?(exception: unknown): void;
  spanContext?(): SpanContext | undefined;
  /** Something that happened while the span was open, in Unix milliseconds. */
  addEvent?(name: string, unixMs: number, attributes: Attributes): void;
  /** Sends a log record that belongs to the span. */
  emitLog?(record: SpanLog): void;
  end(): void;
  /** The same at a time of the caller's, in Unix milliseconds. */
  endAt?(unixMs: number): void;
}

/** A log record of a span. */
export interface SpanLog {
  readonly eventName: string;
  /** A level of logging, such as `warn`; any other is none. */
  readonly severity: string;
  readonly body: string | undefined;
  readonly unixMs: number;
  readonly attributes: Attributes;
}

/** A span of another process. */
export interface RemoteParent extends SpanContext {
  /** A `tracestate` that is valid. */
  readonly traceState?: string;
}

/** The place of a span that need not be a child of the active one. */
export interface DetachedSpanOptions {
  /** Milliseconds since the Unix epoch. */
  readonly startUnixMs: number;
  /** A code of OTLP's span kinds. */
  readonly kind: number;
  /** A span of the same runtime; the active one where it is undefined. */
  readonly parent: SpanWriter | undefined;
  /** The parent in another process, for a span without one here. */
  readonly remoteParent: RemoteParent | undefined;
  /** Spans of the same runtime that it belongs together with. */
  readonly links: readonly SpanWriter[];
}

/** What a runtime can do beyond opening an active span. */
export interface RuntimeCapabilities {
  /** Spans exist at all. */
  readonly spans: boolean;
  /** `setStatus`; elsewhere the status is the attribute otel.status_code. */
  readonly status: boolean;
  /** `withActiveSpan`; elsewhere late callbacks run in whatever context calls them. */
  readonly activation: boolean;
  /** `spanContext`: trace and span ids. */
  readonly identity: boolean;
  /** `getActiveSpan`. */
  readonly activeSpan: boolean;
  /** Attribute values may be lists. */
  readonly lists: boolean;
  /** Bytes of attributes are limited as in the Workers runtime. */
  readonly byteBudget: boolean;
}

/** Where spans go: the seam between this library and a runtime's tracing. */
export interface SpanRuntime {
  readonly capabilities: RuntimeCapabilities;
  /** Opens a child of the active span and runs `body` with it active. The caller ends it. */
  startActiveSpan<T>(name: string, body: (writer: SpanWriter) => T): T;
  /** Opens a child of the active span and leaves the active span as it is. The caller ends it. */
  startSpan(name: string): SpanWriter;
  /**
   * Opens a span whose parent, start, kind and links the caller names. The caller ends it with `endAt`. Absent where the
   * runtime takes none of these.
   */
  startDetachedSpan?(name: string, options: DetachedSpanOptions): SpanWriter;
  /** Runs `body` with an open span active; just runs it where the runtime cannot activate. */
  withActiveSpan<T>(writer: SpanWriter, body: () => T): T;
  /** The active span, where the runtime can tell. */
  activeSpan(): SpanWriter | undefined;
}

/** A span that records nothing. */
export const noopWriter: SpanWriter = {
  isTraced: false,
  setAttribute() {},
  end() {},
};

/** The runtime where there is no tracing: bodies run, nothing is recorded. */
export const noopRuntime: SpanRuntime = {
  capabilities: {
    spans: false,
    status: false,
    activation: false,
    identity: false,
    activeSpan: false,
    lists: false,
    byteBudget: false,
  },
  startActiveSpan: (_name, body) => body(noopWriter),
  startSpan: () => noopWriter,
  withActiveSpan: (_writer, body) => body(),
  activeSpan: () => undefined,
};

const { maxNameBytes } = Limits;
const maxBytesPerUnit = 3;

/**
 * Opens a child of a span that need not be active, by a name of any length. Without one, or where the runtime cannot
 * activate it, such as that of another request, it is a child of the active span.
 */
export function openUnder(
  runtime: SpanRuntime,
  name: string,
  parent: SpanWriter | undefined,
): SpanWriter {
  const kept = maxBytesPerUnit * name.length > maxNameBytes ? cutToBytes(name, maxNameBytes) : name;
  if (parent === undefined) return runtime.startSpan(kept);
  try {
    return runtime.withActiveSpan(parent, () => runtime.startSpan(kept));
  } catch {
    return runtime.startSpan(kept);
  }
}

import { cutToBytes } from "../base/bytes.ts";
import { Limits } from "../core/abi.gen.ts";
import type { AttributeValue } from "../core/core.ts";

export type { AttributeValue };

/** Attributes by key. Undefined values are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

export type StatusCode = "unset" | "ok" | "error";

/** The W3C identity of a span. */
export interface SpanContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** W3C trace flags. Bit 0 says that the trace is sampled. */
  readonly traceFlags: number;
}

/** One span of a runtime. Methods have no effect after `end()`. */
export interface SpanWriter {
  readonly isTraced: boolean;
  /** Whether the span is over. Undefined if that is not known. */
  readonly hasEnded?: boolean;
  /** Whether the runtime's byte budget applies to this span. Default: the runtime's capability `byteBudget`. */
  readonly byteBudget?: boolean;
  /** Whether the span also takes uncut values of attributes that are cut or dropped for the byte budget. */
  readonly acceptsUntruncated?: boolean;
  /** @param uncut the value before it was cut. Undefined if it was not cut. */
  setAttribute(key: string, value: AttributeValue, uncut?: AttributeValue): void;
  /** Sets an attribute that does not fit into the byte budget. */
  setUntruncated?(key: string, value: AttributeValue): void;
  /** @param kind a code of OTLP's span kinds. */
  setKind?(kind: number): void;
  /** Records the failure of the span. `type` is its error.type. */
  recordFailure?(type: string): void;
  setStatus?(status: { code: StatusCode; message?: string }): void;
  updateName?(name: string): void;
  recordException?(exception: unknown): void;
  spanContext?(): SpanContext | undefined;
  /** The W3C `tracestate` that the span inherited. Empty or absent if there is none. */
  readonly traceState?: string;
  /** The keys of the attributes that were set, maybe more than once. Absent if the span does not keep them. */
  readonly keys?: readonly string[];
  /** Adds an event that happened while the span was open. */
  addEvent?(name: string, unixMs: number, attributes: Attributes): void;
  /** Links the span to another one. */
  addLink?(to: RemoteParent, isRemote: boolean, attributes: Attributes): void;
  /** Emits a log record that belongs to the span. */
  emitLog?(record: SpanLog): void;
  end(): void;
  /** Ends the span at a given time, in Unix milliseconds. */
  endAt?(unixMs: number): void;
}

/** A log record of a span. */
export interface SpanLog {
  readonly eventName: string;
  /** A log level such as `warn`. An unknown level sets none. */
  readonly severity: string;
  readonly body: string | undefined;
  readonly unixMs: number;
  readonly attributes: Attributes;
}

/** A log record of another API, which need not belong to the active span. */
export interface ForeignLog {
  readonly eventName: string;
  /** Any value that OTLP can carry. */
  readonly body: unknown;
  readonly attributes: Attributes;
  /** Milliseconds since the Unix epoch. Default: now. */
  readonly unixMs: number | undefined;
  /** A code of OTLP, 0 to 24. */
  readonly severityNumber: number;
  readonly severityText: string;
  /** Default: now. */
  readonly observedUnixMs: number | undefined;
  readonly droppedAttributesCount: number;
  readonly scope: SpanScope;
  /** The span of the record. Undefined if it has none. */
  readonly parent: SpanContext | undefined;
}

/** A parent span in another process. */
export interface RemoteParent extends SpanContext {
  /** A valid `tracestate`. */
  readonly traceState?: string;
}

/** The library that opens a span. */
export interface SpanScope {
  readonly name: string;
  /** Empty if there is none. */
  readonly version: string;
}

/** Options of a span that need not be a child of the active span. */
export interface DetachedSpanOptions {
  /** Milliseconds since the Unix epoch. Default: now. */
  readonly startUnixMs: number | undefined;
  /** A code of OTLP's span kinds. */
  readonly kind: number;
  /** A span of the same runtime. Default: the active span. */
  readonly parent: SpanWriter | undefined;
  /** The parent in another process. Used if `parent` is undefined. */
  readonly remoteParent: RemoteParent | undefined;
  /**
   * `given`: without `parent` and `remoteParent`, the span begins a trace, and a remote parent takes precedence over
   * every active span. Default: the nearest ancestor, which may be the active span.
   */
  readonly parents?: "given";
  /** Spans of the same runtime to link to. */
  readonly links: readonly SpanWriter[];
  /** Default: isotel. */
  readonly scope?: SpanScope;
}

/** The optional features of a runtime. */
export interface RuntimeCapabilities {
  /** Whether the runtime has spans at all. */
  readonly spans: boolean;
  /** Whether it has `setStatus`. If false, the status is the attribute otel.status_code. */
  readonly status: boolean;
  /** Whether it has `withActiveSpan`. If false, late callbacks run in the context of their caller. */
  readonly activation: boolean;
  /** Whether it has `spanContext` with trace and span ids. */
  readonly identity: boolean;
  /** Whether it has `getActiveSpan`. */
  readonly activeSpan: boolean;
  /** Whether attribute values may be lists. */
  readonly lists: boolean;
  /** Whether the bytes of attributes are limited as in the Workers runtime. */
  readonly byteBudget: boolean;
}

/** A destination of spans: the interface between this library and a runtime's tracing. */
export interface SpanRuntime {
  readonly capabilities: RuntimeCapabilities;
  /** Opens a child of the active span and runs `body` with it active. The caller must end the span. */
  startActiveSpan<T>(name: string, body: (writer: SpanWriter) => T): T;
  /** Opens a child of the active span without activating it. The caller must end the span. */
  startSpan(name: string): SpanWriter;
  /**
   * Opens a span with the parent, start time, kind and links in `options`. The caller must end it with `endAt`. Absent
   * if the runtime does not support these options.
   */
  startDetachedSpan?(name: string, options: DetachedSpanOptions): SpanWriter;
  /**
   * Runs `body` and lets the next span in it begin a trace, with a link to the active span. Absent if the runtime
   * cannot begin a trace.
   */
  runDetached?<T>(body: () => T): T;
  /** Runs `body` with an open span active. Only runs `body` if the runtime cannot activate an open span. */
  withActiveSpan<T>(writer: SpanWriter, body: () => T): T;
  /** Returns the active span, or undefined if there is none or the runtime does not expose it. */
  activeSpan(): SpanWriter | undefined;
  /** Returns the parent of the next span. Default: the active span. */
  currentParent?(): RemoteParent | undefined;
  /** Sends a log record of the active span. Absent without an export. */
  emitLog?(record: SpanLog): void;
  /** Sends a log record of another API. Absent without an export. */
  emitRecord?(record: ForeignLog): void;
  /**
   * Runs `body` with the span that W3C headers describe. Absent if the runtime cannot set a parent.
   *
   * @param use "continue" makes that span the parent of the next one, which has a link to the active span if that is in
   *   another trace. "link" keeps the parent and adds a link. Default: the span is the parent, without a link.
   */
  runUnder?<T>(
    header: (name: string) => string | null | undefined,
    body: () => T,
    use?: "continue" | "link",
  ): T;
}

/** A span that records nothing. */
export const noopWriter: SpanWriter = {
  isTraced: false,
  setAttribute() {},
  end() {},
};

/** The runtime without tracing. Runs bodies and records nothing. */
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

/** Writes the scope of a native span as attributes, because the native runtime has none. */
export function setNativeScope(writer: SpanWriter, { name, version }: SpanScope): void {
  if (name !== "") writer.setAttribute("otel.scope.name", name);
  if (version !== "") writer.setAttribute("otel.scope.version", version);
}

const maxBytesPerUnit = 3;

/**
 * Opens a child of `parent`, which need not be active. The name may have any length. Opens a child of the active span
 * if `parent` is undefined or cannot be activated, for example because it belongs to another request.
 */
export function openUnder(
  runtime: SpanRuntime,
  name: string,
  parent: SpanWriter | undefined,
): SpanWriter {
  const limit = Limits.maxNameBytes;
  const kept = maxBytesPerUnit * name.length > limit ? cutToBytes(name, limit) : name;
  if (parent === undefined) return runtime.startSpan(kept);
  try {
    return runtime.withActiveSpan(parent, () => runtime.startSpan(kept));
  } catch {
    return runtime.startSpan(kept);
  }
}

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
  setAttribute(key: string, value: AttributeValue): void;
  setStatus?(status: { code: StatusCode; message?: string }): void;
  updateName?(name: string): void;
  recordException?(exception: unknown): void;
  spanContext?(): SpanContext;
  end(): void;
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

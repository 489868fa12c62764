import type { BackendOptions } from "../backends/backend.ts";
import type { ResourceOptions } from "../backends/resource.ts";
import type { FinishedSpan } from "../core/model.ts";
import type { ExportCounts } from "../exporter/tally.ts";
import type { TailSampling } from "./sampling.ts";

/**
 * Hosts that receive the trace context. A list contains host names, `*.example.com` for all hosts below a name, and
 * patterns for the full URL. A function returns whether a URL receives it.
 */
export type PropagateTo = readonly (string | RegExp)[] | ((url: URL) => boolean);

/** Returns the route of a request, such as `/users/:id`. */
export type RouteOf = (request: Request) => string | undefined;

/**
 * What is done with the trace context of a request: continue its trace, begin a trace that links to it, or ignore it.
 * If the runtime traces the request, its trace is used, and `continue` also links.
 */
export type IncomingContext = "continue" | "link" | "ignore";

/** The least level of console lines to export. `console.log` has the level `info`. */
export type ConsoleLevel = "debug" | "info" | "warn" | "error";

/** Options that do not depend on the backend. */
export interface ExportOptions extends ResourceOptions {
  /**
   * Fraction of traces to record, 0 to 1. Default: 1. A trace that another process began keeps the decision of that
   * process.
   */
  readonly sampleRatio?: number | undefined;
  /** Decides about the spans of a trace in this isolate after they have ended. Default: keep all. */
  readonly tail?: TailSampling | undefined;
  /**
   * Milliseconds for which an invocation is held at most to send its spans and log records, 1 to 25,000. What is not
   * sent by then waits for the next invocation. Default: 5,000.
   */
  readonly exportTimeoutMs?: number | undefined;
  /** Hosts to which `tracedFetch` sends the trace context. Default: none. */
  readonly propagateTo?: PropagateTo | undefined;
  /**
   * What a request's `traceparent` does. Clients can set that header: its trace id, and whether the trace is recorded.
   * Default: `continue`.
   */
  readonly incomingContext?: IncomingContext | ((request: Request) => IncomingContext) | undefined;
  /**
   * Exports the lines that `console.debug`, `log`, `info`, `warn` and `error` print within an invocation as log
   * records: all of them, or those of a level and above. The console prints the same as before. At most 1,000 lines of
   * an invocation are exported. Default: false.
   */
  readonly consoleLogs?: boolean | ConsoleLevel | undefined;
  /** Whether invocations get a span. Default: true. */
  readonly invocationSpan?: boolean | undefined;
  /** Returns the route of a request for `http.route`, such as `/users/:id`. */
  readonly route?: RouteOf | undefined;
  /**
   * Names of query parameters to keep in URLs, such as `["page"]`. Default: none. The value of a parameter that
   * commonly contains a secret, such as `token`, becomes `REDACTED`.
   */
  readonly keepQueryParameters?: readonly string[] | undefined;
}

/** The spans of one invocation, or of one trace that began outside of invocations. */
export interface EndedGroup {
  /** Whether the invocation has answered and all spans have ended. */
  readonly isIdle: boolean;
}

/** Takes the ended spans of an export. Its methods do not throw. */
export interface SpanSink {
  /** Whether {@link flush} has nothing to do. */
  readonly isEmpty: boolean;
  /** Whether to flush before the invocation ends. */
  readonly isBatchFull: boolean;
  /** @param group Undefined for spans of other Workers. */
  add(span: FinishedSpan, size: number, group?: EndedGroup): void;
  flush(deadlineUnixMs: number): Promise<void>;
  counts(): ExportCounts;
}

/** A backend in the isolate, which sends nothing over OTLP. */
export interface SpanExporter {
  readonly name: "console";
  /** Exporters with equal options share what waits in an isolate. */
  readonly attributes: readonly string[];
  open(): SpanSink;
}

/** Options of a backend in the isolate. */
export interface ExporterOptions {
  readonly backend: SpanExporter;
}

type AnyBackendOptions = BackendOptions | ExporterOptions;

/** Options of an export to one backend, or to several at once. */
export type OtlpOptions = ExportOptions &
  (AnyBackendOptions | { readonly backends: readonly AnyBackendOptions[] });

/** Returns the backend of options if it is in the isolate. */
export function exporterOf(options: unknown): SpanExporter | undefined {
  const { backend } = (options ?? {}) as { readonly backend?: SpanExporter };
  return typeof backend?.open === "function" ? backend : undefined;
}

import { nativeWaitUntil } from "#workers";
import { variables } from "../base/env.ts";
import { shared } from "../base/shared.ts";
import { systemClock } from "../base/time.ts";
import { provideOtlp } from "../slots/otlp_invocations.ts";
import { contextHeaders } from "../trace/tracer.ts";
import { workersTelemetry } from "../trace/workers_telemetry.ts";
import type { LogInput } from "./capture/log_record.ts";
import { Exports } from "./exporting.ts";
import { systemEnvironment } from "./pipeline/make_pipeline.ts";
import type { OtlpOptions } from "./pipeline/options.ts";
import type { BackendCounts } from "./pipeline/pipeline.ts";
import { traceQueue, traceStub, traceWorkflow } from "./traced_bindings.ts";

export type { BackendName, BackendOptions, Signal } from "./backends/backend.ts";
export type { LogInput, LogSeverity } from "./capture/log_record.ts";
export { type ConsoleExporterOptions, consoleExporter } from "./console/console_exporter.ts";
export type { DropReason } from "./exporter/tally.ts";
export type { ConsoleLevel, OtlpOptions, PropagateTo, SpanExporter } from "./pipeline/options.ts";
export type { BackendCounts } from "./pipeline/pipeline.ts";
export type { TailSampling } from "./pipeline/sampling.ts";

/** The exports of this isolate. */
const otlpExports = shared(
  "exports",
  () => new Exports(workersTelemetry, systemEnvironment(systemClock, nativeWaitUntil)),
);

/** A configured export. */
export interface TelemetryExport {
  /** Sends everything that waits. Never rejects. */
  flush(): Promise<void>;
  /** Returns the counts of each backend. Always `made = accepted + all dropped + queued + sending`. */
  counts(): readonly BackendCounts[];
}

/**
 * Exports all spans of this isolate and the records of {@link emitLog} over OTLP. It does not matter which part of
 * isotel opened the spans: the tracer, the AI SDK instrumentation or another one.
 *
 * For handlers and classes that `withTelemetry` wraps, the data is sent at the end of each invocation, through its
 * `waitUntil`. Elsewhere it is sent when the first span of a trace has ended.
 *
 * @param options Options for one backend, or a list of backends as `backends`.
 * @param env Variables for options that are not set. Default: `process.env`.
 * @throws TypeError if options or variables are missing or invalid. The error names each of them and quotes no strings.
 */
export function configureTelemetry(
  options: OtlpOptions,
  env: Readonly<Record<string, unknown>> = variables(),
): TelemetryExport {
  return otlpExports.use(options, env);
}

/** Sends a log record in the active span. Never throws. Does nothing without an export. */
export function emitLog(record: LogInput): void {
  otlpExports.emitLog(record);
}

/**
 * A `fetch` that sends the trace context of the active span to the hosts of the option `propagateTo`, in the headers
 * `traceparent` and `tracestate`. Pass it to an AI provider as its `fetch`, or call it in place of the global one.
 */
export const tracedFetch: typeof fetch = otlpExports.tracedFetch(undefined);

/** Returns a {@link tracedFetch} that sends its requests with `original`. */
export function traceFetch(original: typeof fetch): typeof fetch {
  return otlpExports.tracedFetch(original);
}

const contextOf = () => contextHeaders(workersTelemetry.runtime);

/**
 * Returns a stub that sends the trace context with each call: of a Durable Object, a service binding or an entrypoint.
 * The span of the call is then a child of the active span. The target has to be wrapped by `withTelemetry`; another
 * one is called without the context.
 *
 * ```ts
 * await tracedStub(env.ROOM.getByName("lobby")).join(user);
 * ```
 */
export function tracedStub<T extends object>(stub: T): T {
  return traceStub(stub, contextOf);
}

/**
 * Returns a queue whose messages carry the trace context. The span of the consumer links to the active span. Only
 * `queue` handlers that `withTelemetry` wraps can read such messages: others get `{ "isotel.context", body }`.
 *
 * A message becomes about 100 bytes larger.
 */
export function tracedQueue<T extends object>(queue: T): T {
  return traceQueue(queue, contextOf);
}

/**
 * Returns a Workflow binding whose new instances continue the trace of the active span. Only classes that
 * `withTelemetry` wraps can read their parameters: others get `{ "isotel.context", body }`.
 */
export function tracedWorkflow<T extends object>(workflow: T): T {
  return traceWorkflow(workflow, contextOf);
}

// Connects the option `otlp` of withTelemetry. A Worker that does not import this file does not bundle the export.
provideOtlp(otlpExports);

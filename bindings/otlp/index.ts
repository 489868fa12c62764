import { nativeWaitUntil } from "#workers";
import { variables } from "../base/env.ts";
import { systemClock } from "../base/time.ts";
import { provideOtlp } from "../slots/otlp_invocations.ts";
import { workersTelemetry } from "../trace/workers_telemetry.ts";
import type { LogInput } from "./capture/log_record.ts";
import { Exports } from "./exporting.ts";
import { systemEnvironment } from "./pipeline/make_pipeline.ts";
import type { OtlpOptions } from "./pipeline/options.ts";
import type { BackendCounts } from "./pipeline/pipeline.ts";

export type { BackendName, BackendOptions, Signal } from "./backends/backend.ts";
export type { LogInput, LogSeverity } from "./capture/log_record.ts";
export type { DropReason } from "./exporter/tally.ts";
export type { OtlpOptions, PropagateTo } from "./pipeline/options.ts";
export type { BackendCounts } from "./pipeline/pipeline.ts";
export type { TailSampling } from "./pipeline/sampling.ts";

/** The exports of this isolate. */
const otlpExports: Exports = new Exports(
  workersTelemetry,
  systemEnvironment(systemClock, nativeWaitUntil),
);

/** An export that is set up. */
export interface TelemetryExport {
  /** Sends what waits. Never rejects. */
  flush(): Promise<void>;
  /** How much each backend has taken: `made = accepted + all dropped + queued + sending`. */
  counts(): readonly BackendCounts[];
}

/**
 * Exports every span of this isolate over OTLP, and the records of {@link emitLog}: whatever opens spans, the tracer,
 * the instrumentation of an AI SDK or another part. They are sent at the end of each invocation of a handler or class
 * that `withTelemetry` wraps, through its `waitUntil`; outside of those when the first span of a trace has ended.
 *
 * @param options of one backend, or of several as `backends`.
 * @param env variables where options are silent; `process.env` unless given.
 * @throws TypeError that names every option and variable that is wrong or missing, and none of their values.
 */
export function configureTelemetry(
  options: OtlpOptions,
  env: Readonly<Record<string, unknown>> = variables(),
): TelemetryExport {
  return otlpExports.use(options, env);
}

/** Sends a log record in the span that is active. Never throws; it does nothing where no export is set up. */
export function emitLog(record: LogInput): void {
  otlpExports.emitLog(record);
}

/**
 * `fetch` that tells the hosts of the option `propagateTo` of the active span, in the headers `traceparent` and
 * `tracestate`. To be given to an AI provider as its `fetch`, or called in place of the global one.
 */
export const tracedFetch: typeof fetch = otlpExports.tracedFetch(undefined);

/** The same over a `fetch` of the caller's own. */
export function traceFetch(original: typeof fetch): typeof fetch {
  return otlpExports.tracedFetch(original);
}

// What makes the option `otlp` of withTelemetry work: a Worker that does not import this carries nothing of it.
provideOtlp(otlpExports);

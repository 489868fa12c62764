import type { Aggregate } from "../aggregate/totals/aggregate.ts";
import type { StoredTotals } from "../aggregate/totals/stored_totals.ts";
import type { DurableObjectStorage } from "../base/runtime_types.ts";
import { sharedSlot } from "../base/shared.ts";
import type { BackendName } from "../otlp/backends/backend.ts";
import type { OtlpOptions } from "../otlp/pipeline/options.ts";

/** The destination of an aggregator's metrics. Options that concern only spans or log records have no effect. */
export type MetricsExportOptions = OtlpOptions & {
  /** Milliseconds between two exports, 1,000 to 3,600,000. Default: 60,000. */
  readonly intervalMs?: number | undefined;
};

/** The aggregator of an export. */
export interface ExportHost {
  readonly storage: DurableObjectStorage;
  readonly totals: StoredTotals;
  /** Identifies this aggregator in the resource. */
  readonly instanceId: string;
  /** Returns an instance of the module for calls that leave no state behind. */
  aggregate(): Aggregate;
  /** Ensures that {@link MetricsExport.start} is called by this time, even if the object restarts. */
  wakeBy(unixMs: number): Promise<void>;
  /** Keeps background work running. `work` must not reject. */
  hold(work: Promise<unknown>): void;
  /** Logs a message for the operator of the Worker. */
  report(message: string, cause?: unknown): void;
  /** Notes that counts have changed and should be published. */
  counted(): void;
}

/** Counts of the metrics that one aggregator sent to one backend. */
export interface MetricsExportCounts {
  readonly backend: BackendName;
  readonly temporality: "cumulative" | "delta";
  /** Data points that the backend accepted. */
  readonly accepted: number;
  /** Data points that the backend rejected, as a whole request or a part of it. */
  readonly rejected: number;
  /** Data points that are larger than the limit of a request. */
  readonly dropped: number;
  /** Requests that were sent. */
  readonly requests: number;
  /** Requests without an answer, or with an error that can be retried. */
  readonly failed: number;
  /** Intervals that were given up after too many attempts. A later delta contains their data. */
  readonly givenUp: number;
  /** HTTP status of the last answer. 0 if there was none. */
  readonly lastStatus: number;
  /** Whether an interval is being sent. */
  readonly isPending: boolean;
}

/** The export of one aggregator. Its methods do not throw. */
export interface MetricsExport {
  /** Prepares the export. Call it before the totals change for the first time. */
  prepare(nowUnixMs: number): void;
  /** Notes that totals have changed. */
  changed(): void;
  /** Returns when {@link start} has work to do. Undefined if it has none until the totals change. */
  nextUnixMs(nowUnixMs: number): number | undefined;
  /** Starts the work that is due. Sending continues in the background. */
  start(nowUnixMs: number): void;
  counts(): readonly MetricsExportCounts[];
}

/** Creates an export. Throws TypeError that names every invalid or missing option and variable, but no values. */
export type MakeMetricsExport = (
  options: MetricsExportOptions,
  env: unknown,
  host: ExportHost,
) => MetricsExport;

const slot = sharedSlot<MakeMetricsExport>("metrics export");

/** Called by `isotel/otlp/metrics`. A Worker that does not import it does not carry its code. */
export function provideMetricsExport(provided: MakeMetricsExport): void {
  slot.value = provided;
}

export function metricsExport(): MakeMetricsExport | undefined {
  return slot.value;
}

import type { Aggregate } from "../aggregate/totals/aggregate.ts";
import type { StoredTotals } from "../aggregate/totals/stored_totals.ts";
import type { BackendName } from "../otlp/backends/backend.ts";
import type { OtlpOptions } from "../otlp/pipeline/options.ts";

/** Where an aggregator sends its metrics. What belongs to spans and log records alone has no meaning here. */
export type MetricsExportOptions = OtlpOptions & {
  /** Milliseconds between two exports, 1,000 to 3,600,000; 60,000 unless given. */
  readonly intervalMs?: number | undefined;
};

/** The aggregator that an export belongs to. */
export interface ExportHost {
  readonly storage: DurableObjectStorage;
  readonly totals: StoredTotals;
  /** Tells this aggregator apart from all others, in the resource. */
  readonly instanceId: string;
  /** An instance for what leaves nothing behind. */
  aggregate(): Aggregate;
  /** Sees to it that {@link MetricsExport.start} is called by then, in whatever life of the object. */
  wakeBy(unixMs: number): Promise<void>;
  /** Takes work that goes on by itself and never rejects. */
  hold(work: Promise<unknown>): void;
  /** Tells whoever runs the Worker. */
  report(message: string, cause?: unknown): void;
  /** Notes that something was counted that should be shown. */
  counted(): void;
}

/** What became of the metrics of one aggregator at one backend. */
export interface MetricsExportCounts {
  readonly backend: BackendName;
  readonly temporality: "cumulative" | "delta";
  /** Data points that were taken. */
  readonly accepted: number;
  /** Data points that were refused, with the whole request or as a part of it. */
  readonly rejected: number;
  /** Data points that are alone larger than a request may be. */
  readonly dropped: number;
  /** Requests that were made. */
  readonly requests: number;
  /** Those of them that were not answered, or with an error that may pass. */
  readonly failed: number;
  /** Intervals that were given up after too many attempts; what a delta lacks comes with the next one. */
  readonly givenUp: number;
  /** Status of the last answer; 0 for none. */
  readonly lastStatus: number;
  /** Whether an interval is on its way. */
  readonly isPending: boolean;
}

/** The export of one aggregator. Nothing of it throws. */
export interface MetricsExport {
  /** To be called before totals change for the first time. */
  prepare(nowUnixMs: number): void;
  /** Notes that totals have changed. */
  changed(): void;
  /** When there will be something to do; undefined for never unless totals change. */
  nextUnixMs(nowUnixMs: number): number | undefined;
  /** Does what is due. What it sends goes on by itself. */
  start(nowUnixMs: number): void;
  counts(): readonly MetricsExportCounts[];
}

/** @throws TypeError that names every option and variable that is wrong or missing, and none of their values. */
export type MakeMetricsExport = (
  options: MetricsExportOptions,
  env: unknown,
  host: ExportHost,
) => MetricsExport;

let make: MakeMetricsExport | undefined;

/** Filled by `isotel/otlp/metrics` when a Worker carries it. */
export function provideMetricsExport(provided: MakeMetricsExport): void {
  make = provided;
}

export function metricsExport(): MakeMetricsExport | undefined {
  return make;
}

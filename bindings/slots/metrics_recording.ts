import { sharedSlot } from "../base/shared.ts";
import type { MetricsSetup, WorkerMetrics } from "../metrics/isolate_metrics.ts";
import type { Meter } from "../metrics/meter.ts";
import type { SelfMetric } from "../metrics/self_metrics.ts";
import type { MetricsBindings, Report } from "../metrics/worker_options.ts";

/** Records the metrics of an isolate and sends them. */
export interface MetricsRecording {
  /**
   * Reads the options. Each invalid option is reported and ignored.
   *
   * @param missing names of bindings that the options read and `env` does not have.
   * @returns the settings, and the options without the invalid ones.
   */
  read(
    options: MetricsBindings,
    missing: readonly string[],
    report: Report,
  ): MetricsSetup & { readonly metrics: MetricsBindings };
  /** Sets up and returns the metrics of this isolate. Returns undefined if they cannot be sent. Never throws. */
  use(setup: MetricsSetup | undefined): WorkerMetrics | undefined;
  /** Returns the meter if this isolate records metrics of AI calls. */
  genAiMeter(): Meter | undefined;
  /** Sends the recorded metrics of this isolate. Resolves to whether none waits any more. */
  flush(): Promise<boolean>;
  /**
   * Notes that the current invocation carries or serves metrics. It is then not measured: its record would have to be
   * sent, which causes the next such invocation.
   */
  noteTransport(): void;
  /** Adds the self-metrics of another part of isotel. Call it before the first flush. */
  addSelfMetrics(metrics: readonly SelfMetric[]): void;
}

const slot = sharedSlot<MetricsRecording>("metrics recording");

/** Called by `isotel/metrics`. A Worker that records no metrics does not carry its code. */
export function provideMetricsRecording(provided: MetricsRecording): void {
  slot.value = provided;
}

export function metricsRecording(): MetricsRecording | undefined {
  return slot.value;
}

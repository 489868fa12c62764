import { shared } from "../base/shared.ts";
import { type MetricsRecording, provideMetricsRecording } from "../slots/metrics_recording.ts";
import { flushMetrics, genAiMeter, noteTransport, usedMetrics } from "./isolate_metrics.ts";
import { readMetricsBindings } from "./read_options.ts";
import { provideSelfMetrics } from "./self_metrics.ts";

/**
 * Connects the option `metrics` of withTelemetry and of collector. A Worker that imports no entry which calls this does
 * not carry its code. A function, because bundlers drop the side effects of files that entries share.
 */
export function provideRecording(): void {
  provideMetricsRecording(
    shared(
      "metrics",
      (): MetricsRecording => ({
        read: readMetricsBindings,
        use: usedMetrics,
        genAiMeter,
        flush: flushMetrics,
        noteTransport,
        addSelfMetrics: provideSelfMetrics,
      }),
    ),
  );
}

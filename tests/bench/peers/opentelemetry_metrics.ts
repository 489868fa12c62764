import type { Histogram } from "@opentelemetry/api";
import { DataPointType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { latency } from "../metrics_data.ts";

/** Without a reader nothing is recorded. This one collects on demand. */
class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {}
}

/** The histogram of the benchmarks, and the number of its values. */
export function openTelemetryHistogram(): {
  readonly histogram: Histogram;
  readonly count: () => Promise<number>;
} {
  const reader = new ManualReader();
  const provider = new MeterProvider({ readers: [reader] });
  const { name, help, bounds } = latency;
  const histogram = provider.getMeter("bench").createHistogram(name, {
    description: help,
    advice: { explicitBucketBoundaries: [...bounds] },
  });
  return {
    histogram,
    async count() {
      const { resourceMetrics } = await reader.collect();
      let count = 0;
      for (const { metrics } of resourceMetrics.scopeMetrics) {
        for (const metric of metrics) {
          if (metric.dataPointType !== DataPointType.HISTOGRAM) continue;
          for (const { value } of metric.dataPoints) count += value.count;
        }
      }
      return count;
    },
  };
}

import type * as aggregator from "../aggregate/index.ts";
import { shared } from "../base/shared.ts";
import { type MetricsRecording, provideMetricsRecording } from "../slots/metrics_recording.ts";
import { flushMetrics, genAiMeter, noteTransport, usedMetrics } from "./isolate_metrics.ts";
import { readMetricsBindings } from "./read_options.ts";
import { provideSelfMetrics } from "./self_metrics.ts";

export {
  type BoundsGenerator,
  exponentialBounds,
  linearBounds,
  perDecadeBounds,
} from "./bounds.ts";
export { defineMetrics, type MetricOf, type Metrics } from "./define_metrics.ts";
export {
  type CounterOptions,
  counter,
  type ExponentialHistogramOptions,
  exponentialHistogram,
  type GaugeAggregation,
  type GaugeOptions,
  gauge,
  type HistogramOptions,
  histogram,
  type MetricDefinition,
  type MetricOptions,
  type MetricType,
  type ZeroOptions,
} from "./definitions.ts";
export type { ExemplarSource } from "./family.ts";
export type {
  BoundCounter,
  BoundGauge,
  BoundHistogram,
  Counter,
  Gauge,
  Histogram,
} from "./handles.ts";
export type { Labels, LabelValue } from "./labels.ts";
export {
  type ResolveReason,
  type ResolverMetrics,
  type ResolverMetricsOptions,
  resolveReasons,
  resolverMetrics,
} from "./resolver.ts";

/** @deprecated Import it from "isotel/aggregator". */
export type ConsumeTelemetryOptions = aggregator.ConsumeTelemetryOptions;
/** @deprecated Import it from "isotel/aggregator". */
export type MetricsExportCounts = aggregator.MetricsExportCounts;
/** @deprecated Import it from "isotel/aggregator". */
export type MetricsResponseOptions = aggregator.MetricsResponseOptions;
/** @deprecated Import it from "isotel/aggregator". */
export type TelemetryAggregator = aggregator.TelemetryAggregator;
/** @deprecated Import it from "isotel/aggregator". */
export type TelemetryAggregatorOptions = aggregator.TelemetryAggregatorOptions;

// The option `metrics` of withTelemetry and of collector. A Worker without this import does not carry its code.
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

// Imported through the package's imports map. A Worker that only records does not carry this code.
export {
  type ConsumeTelemetryOptions,
  consumeTelemetry,
  type MetricsExportCounts,
  type MetricsResponseOptions,
  metricsResponse,
  TelemetryAggregator,
  type TelemetryAggregatorOptions,
} from "#aggregate";
export {
  type BoundsGenerator,
  exponentialBounds,
  linearBounds,
  perDecadeBounds,
} from "./bounds.ts";
export { defineMetrics, type MetricOf, type Metrics } from "./define_metrics.ts";
export {
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

export type { MetricsExportCounts } from "../slots/metrics_export.ts";
export { type ConsumeTelemetryOptions, consumeTelemetry } from "./consume_telemetry.ts";
export { type MetricsResponseOptions, metricsResponse } from "./metrics_response.ts";
export {
  TelemetryAggregator,
  type TelemetryAggregatorOptions,
} from "./telemetry_aggregator.ts";

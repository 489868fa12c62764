import "isotel/otlp/metrics";
import {
  TelemetryAggregator as Aggregator,
  type TelemetryAggregatorOptions,
} from "isotel/aggregator";
import { metricsExportOptions } from "./telemetry_options.ts";

/** Adds up the metrics of all isolates for `/metrics` and for metrics backends. */
export class TelemetryAggregator extends Aggregator {
  static override options: TelemetryAggregatorOptions = { otlp: metricsExportOptions };
}

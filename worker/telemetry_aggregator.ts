import "isotel/otlp/metrics";
import { TelemetryAggregator as Aggregator, type TelemetryAggregatorOptions } from "isotel/metrics";
import { metricsExportOptions } from "./telemetry_options.ts";

/** Adds up what the isolates count, for `/metrics` and for the backends that metrics are exported to. */
export class TelemetryAggregator extends Aggregator {
  static override options: TelemetryAggregatorOptions = { otlp: metricsExportOptions };
}

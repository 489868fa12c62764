import type { TelemetryOptions } from "../../dist/index.js";
import type { OtlpOptions } from "../../dist/otlp/index.js";

export interface TelemetryEnv {
  /** Options of the export, as JSON. */
  readonly OTLP: string;
  readonly TELEMETRY: DurableObjectNamespace;
}

export const options = (env: TelemetryEnv): TelemetryOptions => ({
  otlp: JSON.parse(env.OTLP) as OtlpOptions,
  metrics: { aggregator: env.TELEMETRY, public: true, flushIntervalMs: 1000 },
});

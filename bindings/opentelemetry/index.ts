import { sharedSlot } from "../base/shared.ts";
import { providedMeterProvider } from "../slots/meter_provider.ts";
import { workersTelemetry } from "../trace/workers_telemetry.ts";
import { registerOver } from "./register.ts";
import type { OpenTelemetryRegistration } from "./registration.ts";

export type { OpenTelemetryRegistration };

const current = sharedSlot<OpenTelemetryRegistration>("opentelemetry");

/**
 * Connects `@opentelemetry/api` to isotel. Its spans become native spans of Workers and spans of `isotel/otlp`, its log
 * records those of `isotel/otlp`, and its metrics, with `isotel/opentelemetry/metrics`, metrics of isotel. Call it at
 * the top level of a module. Never replaces another provider: logs one line and returns what was registered. A second
 * call returns the same registration.
 */
export function registerOpenTelemetry(): OpenTelemetryRegistration {
  if (current.value !== undefined) return current.value;
  const registration = registerOver(workersTelemetry, providedMeterProvider());
  current.value = {
    ...registration,
    unregister() {
      registration.unregister();
      current.value = undefined;
    },
  };
  return current.value;
}

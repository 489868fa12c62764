import { workersTelemetry } from "../trace/workers_telemetry.ts";
import { type OpenTelemetryRegistration, registerOver } from "./register.ts";

export type { OpenTelemetryRegistration };

/**
 * Makes spans of `@opentelemetry/api` spans of isotel: native spans of Workers, and spans of `isotel/otlp`. Call it at
 * the top level of a module. Never replaces another provider: logs one line and returns what was registered.
 */
export function registerOpenTelemetry(): OpenTelemetryRegistration {
  return registerOver(workersTelemetry);
}

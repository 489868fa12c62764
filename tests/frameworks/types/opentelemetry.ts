import { type OpenTelemetryRegistration, registerOpenTelemetry } from "isotel/opentelemetry";
import "isotel/opentelemetry/metrics";

const registration: OpenTelemetryRegistration = registerOpenTelemetry();
export const parts: readonly boolean[] = [
  registration.traces,
  registration.contexts,
  registration.propagation,
  registration.metrics,
  registration.logs,
];
registration.unregister();
// @ts-expect-error: there are no options
registerOpenTelemetry({ traces: false });

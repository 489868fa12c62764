export type { FlueAttributes, FlueAttributeValue } from "./attributes.ts";
export type { FlueContext, FlueEvent } from "./event.ts";
export {
  createOpenTelemetryInstrumentation,
  type FlueExecutionContext,
  type FlueExecutionOperation,
  type FlueInstrumentation,
} from "./opentelemetry_instrumentation.ts";
export {
  createOpenTelemetryObserver,
  type FlueObserve,
  type OpenTelemetryObserverOptions,
} from "./opentelemetry_observer.ts";
export type {
  OtelContext,
  OtelSpan,
  OtelSpanContext,
  OtelSpanOptions,
  OtelTracer,
} from "./otel_types.ts";
export { type FlueTraceCarrier, remoteContext } from "./trace_carrier.ts";

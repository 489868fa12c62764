export type { FlueAttributes, FlueAttributeValue } from "./attributes.ts";
export type { FlueContext, FlueEvent } from "./event.ts";
export type { FlueSemconv } from "./flue_observer.ts";
export type { FlueExecutionContext, FlueExecutionOperation } from "./instrumentation.ts";
export {
  createOpenTelemetryInstrumentation,
  type FlueInstrumentation,
  type OpenTelemetryInstrumentationOptions,
} from "./opentelemetry_instrumentation.ts";
export {
  createOpenTelemetryObserver,
  type FlueObserve,
  type OpenTelemetryObserverOptions,
} from "./opentelemetry_observer.ts";
export type {
  OtelContext,
  OtelContexts,
  OtelException,
  OtelLogger,
  OtelLogRecord,
  OtelSpan,
  OtelSpanContext,
  OtelSpanOptions,
  OtelTracer,
  OtelTraceState,
} from "./otel_types.ts";
export { type FlueTraceCarrier, remoteContext } from "./trace_carrier.ts";

export type { FlueAttributes, FlueAttributeValue } from "./events/attributes.ts";
export type { FlueContext, FlueEvent } from "./events/event.ts";
export type { FlueSemconv } from "./flue_observer.ts";
export type { FlueExecutionContext, FlueExecutionOperation } from "./instrumentation.ts";
export {
  createOpenTelemetryInstrumentation,
  createOpenTelemetryObserver,
  type FlueInstrumentation,
  type FlueObserve,
  type OpenTelemetryInstrumentationOptions,
  type OpenTelemetryObserverOptions,
} from "./opentelemetry.ts";
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
} from "./sinks/otel_types.ts";
export { type FlueTraceCarrier, remoteContext } from "./sinks/trace_carrier.ts";

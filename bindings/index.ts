export type { TelemetryOptions } from "./invocation/read_options.ts";
export { withTelemetry } from "./invocation/with_telemetry.ts";
export type { GenAiMetricsOptions, TokenPrices } from "./metrics/genai_options.ts";
export type { MetricsBindings } from "./metrics/worker_options.ts";
export { type InvocationScopeOptions, withInvocationScope } from "./trace/invocation_scope.ts";
export type { TracerSpan } from "./trace/span.ts";
export type { Attributes, AttributeValue, SpanContext } from "./trace/span_runtime.ts";
export type { SpanLifetime, Tracer } from "./trace/tracer.ts";
export { tracer } from "./trace/workers_telemetry.ts";

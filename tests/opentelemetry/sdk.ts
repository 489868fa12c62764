import type { ContextManager, TextMapPropagator, TracerProvider } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from "@opentelemetry/core";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";

export { logs } from "@opentelemetry/api-logs";

/** OpenTelemetry's SDK for traces, which keeps in memory what it exports. */
export interface SdkTraces {
  readonly provider: TracerProvider;
  readonly contexts: ContextManager;
  /** Returns the spans that were exported since the last call. */
  take(): readonly ReadableSpan[];
}

export function sdkTraces(): SdkTraces {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  return {
    provider,
    contexts: new AsyncLocalStorageContextManager(),
    take() {
      const spans = [...exporter.getFinishedSpans()];
      exporter.reset();
      return spans;
    },
  };
}

/** OpenTelemetry's propagators of both W3C headers. */
export function sdkPropagator(): TextMapPropagator {
  return new CompositePropagator({
    propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
  });
}

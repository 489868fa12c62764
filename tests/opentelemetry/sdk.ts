import type { ContextManager, TracerProvider } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";

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

import type {
  Attributes,
  ContextManager,
  MeterProvider,
  TextMapPropagator,
  TracerProvider,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from "@opentelemetry/core";
import {
  type DataPoint,
  type Histogram,
  MetricReader,
  MeterProvider as SdkMeterProvider,
} from "@opentelemetry/sdk-metrics";
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

/** A data point of OpenTelemetry's SDK: a number, or a histogram with cumulative counts. */
export interface SdkPoint {
  readonly name: string;
  readonly scope: readonly [name: string, version: string | undefined];
  readonly attributes: Attributes;
  readonly value:
    | number
    | { readonly sum: number; readonly count: number; readonly buckets: readonly number[] };
}

export interface SdkMetrics {
  readonly provider: MeterProvider;
  /** Returns the totals of all instruments. */
  collect(): Promise<readonly SdkPoint[]>;
}

/** OpenTelemetry's SDK for metrics, with cumulative totals. */
export function sdkMetrics(): SdkMetrics {
  const reader = new Reader();
  const provider = new SdkMeterProvider({ readers: [reader] });
  return {
    provider,
    async collect() {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw errors[0];
      return resourceMetrics.scopeMetrics.flatMap(({ scope, metrics }) =>
        metrics.flatMap((metric) =>
          (metric.dataPoints as DataPoint<number | Histogram>[]).map(({ attributes, value }) => ({
            name: metric.descriptor.name,
            scope: [scope.name, scope.version === "" ? undefined : scope.version] as const,
            attributes,
            // Not -0, which JSON does not have.
            value: typeof value === "number" ? value + 0 : cumulative(value),
          })),
        ),
      );
    },
  };
}

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function cumulative({ sum = 0, count, buckets }: Histogram) {
  let below = 0;
  return {
    sum,
    count,
    buckets: buckets.counts.map((own) => {
      below += own;
      return below;
    }),
  };
}

import { context, type Tracer } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  type ReadableSpan,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";

/** Keeps as many finished spans as the queue of the batch processor, and exports none. */
class RingProcessor implements SpanProcessor {
  readonly #ring: (ReadableSpan | undefined)[] = new Array<undefined>(2048).fill(undefined);
  #count = 0;

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    this.#ring[this.#count % this.#ring.length] = span;
    this.#count += 1;
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

/** The SDK's tracer, with its context manager in place. */
export function openTelemetryTracer(isTraced: boolean): Tracer {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = new BasicTracerProvider({
    sampler: isTraced ? new AlwaysOnSampler() : new AlwaysOffSampler(),
    spanProcessors: [new RingProcessor()],
  });
  return provider.getTracer("bench");
}

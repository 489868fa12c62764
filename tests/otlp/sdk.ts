// OpenTelemetry's tracer with its serializers: what its exporter does, up to the bytes.
import { type Attributes, type Context, context, type Tracer } from "@opentelemetry/api";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  type ReadableSpan,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { OtlpFormat } from "../../bindings/otlp/core/model.ts";

class Keeper implements SpanProcessor {
  spans: ReadableSpan[] = [];

  onStart(_span: unknown, _context: Context): void {}

  onEnd(span: ReadableSpan): void {
    this.spans.push(span);
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

/** Spans of OpenTelemetry's SDK. */
export class OpenTelemetrySpans {
  readonly #keeper = new Keeper();
  readonly #tracer: Tracer;

  constructor(resource: Attributes) {
    const provider = new TracerProvider({
      sampler: new AlwaysOnSampler(),
      resource: resourceFromAttributes(resource),
      spanProcessors: [this.#keeper],
    });
    this.#tracer = provider.getTracer("bench");
  }

  record(name: string, start: Attributes, finish: Attributes): void {
    const span = this.#tracer.startSpan(name, { attributes: start }, context.active());
    span.setAttributes(finish);
    span.end();
  }

  /** The spans that have ended since the last call. */
  take(): ReadableSpan[] {
    const { spans } = this.#keeper;
    this.#keeper.spans = [];
    return spans;
  }
}

export function serialize(spans: ReadableSpan[], format: OtlpFormat): Uint8Array {
  const serializer = format === "json" ? JsonTraceSerializer : ProtobufTraceSerializer;
  return serializer.serializeRequest(spans) as Uint8Array;
}

import type { FlueAttributes } from "./attributes.ts";
import type { OtelContext, OtelSpan, OtelSpanOptions, OtelTracer } from "./otel_types.ts";
import { emptyContext, withSpan } from "./otel_types.ts";
import type { SpanEnd, SpanSink, SpanStart } from "./span_sink.ts";

/** A span and the context its children are opened in. */
export class TracedSpan {
  readonly span: OtelSpan;
  readonly #outer: OtelContext;
  #context: OtelContext | undefined;

  constructor(span: OtelSpan, outer: OtelContext) {
    this.span = span;
    this.#outer = outer;
  }

  /** Made when it is needed: most spans have no children. */
  get context(): OtelContext {
    this.#context ??= withSpan(this.#outer, this.span);
    return this.#context;
  }
}

/** Codes of OpenTelemetry's JavaScript API. */
const spanKind = { internal: 0, client: 2 } as const;
const errorStatus = 2;

/** Hands Flue's spans to any OpenTelemetry tracer, under contexts of Flue's own making: what is active plays no part. */
export class TracerSink implements SpanSink<TracedSpan, OtelContext> {
  readonly #tracer: () => OtelTracer;

  /** @param tracer is asked for each span: a provider may be registered late. */
  constructor(tracer: () => OtelTracer) {
    this.#tracer = tracer;
  }

  open(start: SpanStart<TracedSpan, OtelContext>): TracedSpan {
    const context = start.parent?.context ?? start.root ?? emptyContext;
    const options: OtelSpanOptions = {
      kind: start.isClient ? spanKind.client : spanKind.internal,
      startTime: timeOf(start.unixMs),
      attributes: start.attributes,
    };
    if (start.predecessor !== undefined) {
      options.links = [{ context: start.predecessor.span.spanContext() }];
    }
    const span = this.#tracer().startSpan(start.name, options, context);
    return new TracedSpan(span, context);
  }

  addEvent({ span }: TracedSpan, name: string, unixMs: number, attributes: FlueAttributes): void {
    span.addEvent(name, attributes, timeOf(unixMs));
  }

  end({ span }: TracedSpan, { unixMs, attributes, failure, isException }: SpanEnd): void {
    const time = timeOf(unixMs);
    span.setAttributes(attributes);
    if (failure !== undefined) {
      if (isException) span.recordException({ message: failure }, time);
      span.setStatus({ code: errorStatus, message: failure });
    }
    span.end(time);
  }
}

/** Seconds and nanoseconds: a plain number may be taken as the time since the process began. */
function timeOf(unixMs: number): [number, number] {
  const seconds = Math.floor(unixMs / 1_000);
  return [seconds, Math.round((unixMs - seconds * 1_000) * 1e6)];
}

import type { FlueAttributes } from "./attributes.ts";
import type { OtelContext, OtelSpan, OtelTracer } from "./otel_types.ts";
import { emptyContext, withSpan } from "./otel_types.ts";
import type { SpanEnd, SpanSink, SpanStart } from "./span_sink.ts";

/** A span and the context its children are opened in. */
export interface TracedSpan {
  readonly span: OtelSpan;
  readonly context: OtelContext;
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
    const span = this.#tracer().startSpan(
      start.name,
      {
        kind: start.isClient ? spanKind.client : spanKind.internal,
        startTime: timeOf(start.unixMs),
        attributes: start.attributes,
        ...(start.predecessor && { links: [{ context: start.predecessor.span.spanContext() }] }),
      },
      context,
    );
    return { span, context: withSpan(context, span) };
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

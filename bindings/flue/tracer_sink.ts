import type { FlueAttributes } from "./attributes.ts";
import type {
  OtelContext,
  OtelContexts,
  OtelException,
  OtelSpan,
  OtelSpanOptions,
  OtelTracer,
} from "./otel_types.ts";
import { emptyContext, globalContexts, spanIn, withSpan } from "./otel_types.ts";
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
  readonly #contexts: () => OtelContexts | undefined;

  /**
   * @param tracer is asked for each span: a provider may be registered late.
   * @param contexts is asked each time something is to be active; unless given it is what is registered globally.
   */
  constructor(tracer: () => OtelTracer, contexts: () => OtelContexts | undefined = globalContexts) {
    this.#tracer = tracer;
    this.#contexts = contexts;
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

  end({ span }: TracedSpan, end: SpanEnd): void {
    const time = timeOf(end.unixMs);
    span.setAttributes(end.attributes);
    if (end.failure !== undefined) {
      if (end.isException) span.recordException(exceptionOf(end), time);
      const message = end.failure === "" ? undefined : end.failure;
      span.setStatus({ code: errorStatus, ...(message !== undefined && { message }) });
    }
    span.end(time);
  }

  activate<T>({ span }: TracedSpan, work: () => T): T {
    return this.#activate(span, work);
  }

  activateRoot<T>(root: OtelContext, work: () => T): T {
    const span = spanIn(root);
    return span === undefined ? work() : this.#activate(span, work);
  }

  active(): OtelContext | undefined {
    const context = this.#contexts()?.active();
    return context !== undefined && spanIn(context) !== undefined ? context : undefined;
  }

  /** What else is in the active context, such as baggage, stays. */
  #activate<T>(span: OtelSpan, work: () => T): T {
    const contexts = this.#contexts();
    return contexts === undefined ? work() : contexts.with(withSpan(contexts.active(), span), work);
  }
}

function exceptionOf({ failure, exceptionType, stack }: SpanEnd): OtelException {
  const more = {
    ...(exceptionType !== undefined && { name: exceptionType }),
    ...(stack !== undefined && { stack }),
  };
  // An exception without a message has a name.
  return failure === "" ? (more as OtelException) : { ...more, message: failure ?? "" };
}

/** Seconds and nanoseconds: a plain number may be taken as the time since the process began. */
function timeOf(unixMs: number): [number, number] {
  const seconds = Math.floor(unixMs / 1_000);
  return [seconds, Math.round((unixMs - seconds * 1_000) * 1e6)];
}

import { Severity } from "../../otlp/core/model.ts";
import type { SpanLog } from "../../trace/span_runtime.ts";
import type { FlueAttributes } from "../events/attributes.ts";
import type { SpanEnd } from "../events/failure.ts";
import type {
  OtelContext,
  OtelContexts,
  OtelException,
  OtelLogger,
  OtelSpan,
  OtelSpanOptions,
  OtelTracer,
} from "./otel_types.ts";
import { emptyContext, globalContexts, spanIn, withSpan } from "./otel_types.ts";
import type { SpanSink, SpanStart } from "./span_sink.ts";
import { flueLog } from "./span_sink.ts";

/** A span and the context of its children. */
export class TracedSpan {
  readonly span: OtelSpan;
  readonly #outer: OtelContext;
  #context: OtelContext | undefined;

  constructor(span: OtelSpan, outer: OtelContext) {
    this.span = span;
    this.#outer = outer;
  }

  /** Made on demand, because most spans have no children. */
  get context(): OtelContext {
    this.#context ??= withSpan(this.#outer, this.span);
    return this.#context;
  }
}

/** Codes of OpenTelemetry's JavaScript API. */
const spanKind = { internal: 0, client: 2 } as const;
const errorStatus = 2;

/** Other parts of OpenTelemetry that an application uses. */
export interface OtelEnvironment {
  /** Makes spans active. Default: the globally registered context manager. */
  readonly context?: OtelContexts | undefined;
  /** Receives the log records. */
  readonly logger?: OtelLogger | undefined;
}

/** Opens Flue's spans with any OpenTelemetry tracer. Parents come from Flue only; the active context is ignored. */
export class TracerSink implements SpanSink<TracedSpan, OtelContext> {
  readonly #tracer: () => OtelTracer;
  readonly #environment: OtelEnvironment;

  /** @param tracer Called for each span, because a provider may be registered after the first span. */
  constructor(tracer: () => OtelTracer, environment: OtelEnvironment = {}) {
    this.#tracer = tracer;
    this.#environment = environment;
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

  addEvent(traced: TracedSpan, name: string, unixMs: number, attributes: FlueAttributes): void {
    traced.span.addEvent(name, attributes, timeOf(unixMs));
    if (this.hasLogger) this.emitLog(flueLog(name, unixMs, attributes), traced);
  }

  get hasLogger(): boolean {
    return this.#environment.logger !== undefined;
  }

  emitLog(record: SpanLog, traced: TracedSpan | undefined): void {
    const { eventName, unixMs, severity, body, attributes } = record;
    const severityNumber =
      Object.hasOwn(Severity, severity) && Severity[severity as keyof typeof Severity];
    this.#environment.logger?.emit({
      eventName,
      timestamp: timeOf(unixMs),
      ...(severityNumber && { severityNumber, severityText: severity.toUpperCase() }),
      ...(body !== undefined && { body }),
      attributes: { ...attributes } as Record<string, string | number>,
      ...(traced !== undefined && { context: traced.context }),
    });
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
    const context = this.#contexts?.active();
    return context !== undefined && spanIn(context) !== undefined ? context : undefined;
  }

  get #contexts(): OtelContexts | undefined {
    return this.#environment.context ?? globalContexts();
  }

  /** Keeps other values of the active context, such as baggage. */
  #activate<T>(span: OtelSpan, work: () => T): T {
    const contexts = this.#contexts;
    return contexts === undefined ? work() : contexts.with(withSpan(contexts.active(), span), work);
  }
}

function exceptionOf({ failure, exceptionType, stack }: SpanEnd): OtelException {
  const more = {
    ...(exceptionType !== undefined && { name: exceptionType }),
    ...(stack !== undefined && { stack }),
  };
  // Without a message, the exception has at least a name.
  return failure === "" ? (more as OtelException) : { ...more, message: failure ?? "" };
}

/**
 * Returns seconds and nanoseconds. OpenTelemetry may treat a plain number as the time since the start of the process.
 */
function timeOf(unixMs: number): [number, number] {
  const seconds = Math.floor(unixMs / 1_000);
  return [seconds, Math.round((unixMs - seconds * 1_000) * 1e6)];
}

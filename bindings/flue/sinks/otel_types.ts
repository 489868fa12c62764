// The parts of OpenTelemetry's JavaScript API that are used, as shapes: an application that passes its tracer brings the
// API, and this package needs none.
import type { FlueAttributes } from "../events/attributes.ts";

/** An immutable set of values by key. */
export interface OtelContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): OtelContext;
  deleteValue(key: symbol): OtelContext;
}

/** A `tracestate` as OpenTelemetry's JavaScript API has it: immutable, the member that was set last comes first. */
export interface OtelTraceState {
  set(key: string, value: string): OtelTraceState;
  unset(key: string): OtelTraceState;
  get(key: string): string | undefined;
  serialize(): string;
}

export interface OtelSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  /** Of a span of another process: what its `tracestate` said. */
  readonly traceState?: OtelTraceState;
}

type Time = [seconds: number, nanoseconds: number];

/** What is told of an error: at least one of its class and its message. */
export type OtelException =
  | { readonly name: string; readonly message?: string; readonly stack?: string }
  | { readonly name?: string; readonly message: string; readonly stack?: string };

export interface OtelSpan {
  spanContext(): OtelSpanContext;
  setAttributes(attributes: FlueAttributes): unknown;
  addEvent(name: string, attributes: FlueAttributes, time: Time): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  recordException(exception: OtelException, time: Time): void;
  end(time: Time): void;
}

export interface OtelSpanOptions {
  kind: number;
  startTime: Time;
  attributes: FlueAttributes;
  links?: { context: OtelSpanContext }[];
}

/** Any OpenTelemetry tracer. */
export interface OtelTracer {
  startSpan(name: string, options: OtelSpanOptions, context: OtelContext): OtelSpan;
}

/** A log record, as a logger of OpenTelemetry's `api-logs` takes it. */
export interface OtelLogRecord {
  readonly eventName: string;
  readonly timestamp: Time;
  /** Absent for a level OpenTelemetry has no number for. */
  readonly severityNumber?: number;
  readonly severityText?: string;
  readonly body?: string;
  readonly attributes: Record<string, string | number>;
  /** That of the span the record belongs to. */
  readonly context: OtelContext;
}

export interface OtelLogger {
  emit(record: OtelLogRecord): void;
}

/** What is active where: OpenTelemetry's `context`, or the manager it is made of. */
export interface OtelContexts {
  active(): OtelContext;
  with<T>(context: OtelContext, work: () => T): T;
}

interface ContextEntry {
  readonly key: symbol;
  readonly value: unknown;
}

/** A list, and no map: hardly ever is there more in it than a span. */
class ValueContext implements OtelContext {
  readonly #entries: readonly ContextEntry[];

  constructor(entries: readonly ContextEntry[]) {
    this.#entries = entries;
  }

  getValue(key: symbol): unknown {
    for (const entry of this.#entries) {
      if (entry.key === key) return entry.value;
    }
    return undefined;
  }

  setValue(key: symbol, value: unknown): OtelContext {
    const entries: ContextEntry[] = [{ key, value }];
    for (const entry of this.#entries) {
      if (entry.key !== key) entries.push(entry);
    }
    return new ValueContext(entries);
  }

  deleteValue(key: symbol): OtelContext {
    return new ValueContext(this.#entries.filter((entry) => entry.key !== key));
  }
}

/** A context without any span: what is opened in it begins a trace. */
export const emptyContext: OtelContext = new ValueContext([]);

// The API makes its keys with Symbol.for, so that several copies of it agree.
const spanKey = Symbol.for("OpenTelemetry Context Key SPAN");
const apiKey = Symbol.for("opentelemetry.js.api.1");

/** The context with `span` as the parent of what is opened in it. */
export function withSpan(context: OtelContext, span: OtelSpan): OtelContext {
  return context.setValue(spanKey, span);
}

/** The span in a context; undefined where there is none. */
export function spanIn(context: OtelContext): OtelSpan | undefined {
  return context.getValue(spanKey) as OtelSpan | undefined;
}

/** Who the span in a context is; undefined where there is none. */
export function spanContextIn(context: OtelContext): OtelSpanContext | undefined {
  return spanIn(context)?.spanContext();
}

interface TracerProvider {
  getTracer(name: string): OtelTracer;
}

interface GlobalApi {
  readonly trace?: TracerProvider;
  readonly context?: OtelContexts;
}

/** The tracer of the provider that is registered globally; undefined while there is none. */
export function globalTracer(name: string): OtelTracer | undefined {
  return globalApi()?.trace?.getTracer(name);
}

/** The context manager that is registered globally; undefined while there is none. */
export function globalContexts(): OtelContexts | undefined {
  return globalApi()?.context;
}

function globalApi(): GlobalApi | undefined {
  return (globalThis as Record<symbol, unknown>)[apiKey] as GlobalApi | undefined;
}

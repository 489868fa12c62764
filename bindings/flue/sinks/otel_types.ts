// The part of OpenTelemetry's JavaScript API that isotel uses, as structural types. An application that passes a tracer
// brings the API. This package does not depend on it.
import type { FlueAttributes } from "../events/attributes.ts";

/** An immutable set of values by key. */
export interface OtelContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): OtelContext;
  deleteValue(key: symbol): OtelContext;
}

/** A `tracestate` as in OpenTelemetry's JavaScript API. Immutable. The member that was set last is first. */
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
  /** The `tracestate` of a span of another process. */
  readonly traceState?: OtelTraceState;
}

type Time = [seconds: number, nanoseconds: number];

/** An exception with a class name, a message or both. */
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

/** A log record for a logger of OpenTelemetry's `api-logs`. */
export interface OtelLogRecord {
  readonly eventName: string;
  readonly timestamp: Time;
  /** Undefined for a level without a number in OpenTelemetry. */
  readonly severityNumber?: number;
  readonly severityText?: string;
  readonly body?: string;
  readonly attributes: Record<string, string | number>;
  /** The context of the record's span. Undefined for a record of the active context. */
  readonly context?: OtelContext;
}

export interface OtelLogger {
  emit(record: OtelLogRecord): void;
}

/** OpenTelemetry's `context`, or a context manager. */
export interface OtelContexts {
  active(): OtelContext;
  with<T>(context: OtelContext, work: () => T): T;
}

interface ContextEntry {
  readonly key: symbol;
  readonly value: unknown;
}

/** Stores entries in a list instead of a map, because a context rarely contains more than a span. */
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

/** A context without a span. A span that is opened in it starts a trace. */
export const emptyContext: OtelContext = new ValueContext([]);

// The API makes its keys with Symbol.for. All copies of the API therefore share them.
const spanKey = Symbol.for("OpenTelemetry Context Key SPAN");
const apiKey = Symbol.for("opentelemetry.js.api.1");

/** Returns the context with `span` as the parent of new spans. */
export function withSpan(context: OtelContext, span: OtelSpan): OtelContext {
  return context.setValue(spanKey, span);
}

/** Returns the span in a context. Undefined if there is none. */
export function spanIn(context: OtelContext): OtelSpan | undefined {
  return context.getValue(spanKey) as OtelSpan | undefined;
}

/** Returns the span context of the span in a context. Undefined if there is none. */
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

/** Returns a tracer of the globally registered provider. Undefined if none is registered. */
export function globalTracer(name: string): OtelTracer | undefined {
  return globalApi()?.trace?.getTracer(name);
}

/** Returns the globally registered context manager. Undefined if none is registered. */
export function globalContexts(): OtelContexts | undefined {
  return globalApi()?.context;
}

function globalApi(): GlobalApi | undefined {
  return (globalThis as Record<symbol, unknown>)[apiKey] as GlobalApi | undefined;
}

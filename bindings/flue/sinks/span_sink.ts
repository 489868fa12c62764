import type { SpanLog } from "../../trace/span_runtime.ts";
import type { FlueAttributes } from "../events/attributes.ts";
import type { SpanEnd } from "../events/failure.ts";

/** A span that begins. */
export interface SpanStart<Span, Root> {
  readonly name: string;
  /** Whether the span is a call to another service. Otherwise it is internal. */
  readonly isClient: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly unixMs: number;
  readonly attributes: FlueAttributes;
  /** Undefined for a root span. */
  readonly parent: Span | undefined;
  /** The context of a root span, from the application. Undefined starts a new trace. */
  readonly root: Root | undefined;
  /** An open span that this one continues. */
  readonly predecessor: Span | undefined;
}

/**
 * The destination of Flue's spans. Methods may throw; the observer counts the error and continues.
 *
 * `Span` identifies a span in the sink. `Root` is the context of a root span.
 */
export interface SpanSink<Span, Root> {
  open(start: SpanStart<Span, Root>): Span;
  addEvent(span: Span, name: string, unixMs: number, attributes: FlueAttributes): void;
  /** Sends a log record. Without a span, it belongs to the active one. */
  emitLog(record: SpanLog, span: Span | undefined): void;
  end(span: Span, end: SpanEnd): void;
  /** Runs `work` once with an open span active and returns its result. Undefined if the sink cannot activate spans. */
  activate?<T>(span: Span, work: () => T): T;
  /** Like {@link activate}, with a root context. */
  activateRoot?<T>(root: Root, work: () => T): T;
  /** Returns the active context, for a root span. Undefined if there is none. */
  active?(): Root | undefined;
}

/**
 * Returns a log of Flue as a log record. It is also an event of its span, but some backends do not store span events.
 */
export function flueLog(name: string, unixMs: number, attributes: FlueAttributes): SpanLog {
  const {
    "flue.log.message": message,
    "flue.log.level": level,
    ...others
  } = attributes as Readonly<Record<string, string | number>>;
  return {
    eventName: name,
    severity: String(level ?? ""),
    body: typeof message === "string" ? message : undefined,
    unixMs,
    attributes: level === undefined ? others : { "flue.log.level": level, ...others },
  };
}

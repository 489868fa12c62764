import type { SpanLog } from "../../trace/span_runtime.ts";
import type { FlueAttributes } from "../events/attributes.ts";
import type { SpanEnd } from "../events/failure.ts";

/** A span that begins. */
export interface SpanStart<Span, Root> {
  readonly name: string;
  /** Whether it is a call to another service; internal otherwise. */
  readonly isClient: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly unixMs: number;
  readonly attributes: FlueAttributes;
  /** Undefined for a root. */
  readonly parent: Span | undefined;
  /** What the application wants a root under; undefined for a trace of its own. */
  readonly root: Root | undefined;
  /** A span, still open, that this one continues. */
  readonly predecessor: Span | undefined;
}

/**
 * Where Flue's spans go. Methods may throw: the observer counts it and goes on.
 *
 * `Span` is whatever the sink needs to find a span again, `Root` what an application says to place a root.
 */
export interface SpanSink<Span, Root> {
  open(start: SpanStart<Span, Root>): Span;
  addEvent(span: Span, name: string, unixMs: number, attributes: FlueAttributes): void;
  end(span: Span, end: SpanEnd): void;
  /** Runs `work` once with an open span active and returns what it returns; absent where a sink cannot. */
  activate?<T>(span: Span, work: () => T): T;
  /** The same with what a root is opened under. */
  activateRoot?<T>(root: Root, work: () => T): T;
  /** What is active, for a root to be opened under; undefined where there is nothing. */
  active?(): Root | undefined;
}

/** A log of Flue, which is an event of its span, as a record: some backends keep no events of spans. */
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

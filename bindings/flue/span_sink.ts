import type { FlueAttributes } from "./attributes.ts";

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

/** How a span ends. */
export interface SpanEnd {
  /** Milliseconds since the Unix epoch. */
  readonly unixMs: number;
  readonly attributes: FlueAttributes;
  /** The message of a span that failed, empty where it has none; undefined for one that did not. */
  readonly failure: string | undefined;
  /** Whether the failure is also told as an exception: not of spans that something else ended. */
  readonly isException: boolean;
  /** Of an exception: the name of its class, where the event tells it. */
  readonly exceptionType?: string;
  /** Of an exception: its stack, where it is exported. */
  readonly stack?: string;
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

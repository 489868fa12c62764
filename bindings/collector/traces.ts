import type { Pipeline } from "../otlp/pipeline/pipeline.ts";
import type { CollectedSpan } from "./spans/collected_span.ts";
import type { CollectorCounts } from "./spans/counts.ts";
import { limits, undecidedTimeoutMs } from "./spans/counts.ts";

/** One trace, as seen by this isolate. */
interface Trace {
  /** Number of its invocations that have not ended. */
  open: number;
  readonly sinceUnixMs: number;
  /** Spans that wait for the decision. */
  waiting: CollectedSpan[];
  isKept: boolean | undefined;
}

/**
 * Passes ended spans on. With tail sampling, the spans of a trace wait until all its invocations in this isolate have
 * ended. Later spans follow the decision while it is remembered.
 */
export class Traces {
  readonly #pipeline: Pipeline;
  readonly #counts: CollectorCounts;
  readonly #release: (span: CollectedSpan) => void;
  /** In the order in which they began. */
  readonly #traces = new Map<string, Trace>();
  #waiting = 0;

  /** @param release Called for each span that is passed on. */
  constructor(pipeline: Pipeline, counts: CollectorCounts, release: (span: CollectedSpan) => void) {
    this.#pipeline = pipeline;
    this.#counts = counts;
    this.#release = release;
  }

  /** Number of spans that wait for a decision. */
  get undecided(): number {
    return this.#waiting;
  }

  begin(traceId: string): void {
    if (this.#pipeline.tail !== undefined) this.#of(traceId).open += 1;
  }

  /** Takes a span that has ended. */
  take(span: CollectedSpan, isSampled: boolean): void {
    const { tail } = this.#pipeline;
    if (tail === undefined || !isSampled) {
      this.#hand(span, isSampled);
      return;
    }
    const trace = this.#of(span.traceId);
    if (trace.isKept !== undefined) {
      // A span after a negative decision may still be worth keeping by itself.
      this.#hand(span, trace.isKept || tail(span.traceId, [span]));
      return;
    }
    trace.waiting.push(span);
    this.#waiting += 1;
    if (this.#waiting > limits.undecidedSpans) this.#decideOldest();
  }

  end(traceId: string): void {
    const trace = this.#traces.get(traceId);
    if (trace === undefined) return;
    trace.open -= 1;
    if (trace.open <= 0) this.#decide(traceId, trace);
  }

  /** Decides about traces that have waited for too long. */
  sweep(nowUnixMs: number): void {
    for (const [traceId, trace] of this.#traces) {
      if (nowUnixMs - trace.sinceUnixMs <= undecidedTimeoutMs) return;
      if (trace.waiting.length > 0) this.#decide(traceId, trace);
    }
  }

  #of(traceId: string): Trace {
    const known = this.#traces.get(traceId);
    if (known !== undefined) return known;
    if (this.#traces.size >= limits.traces) this.#forgetOldest();
    const sinceUnixMs = this.#pipeline.clock();
    const trace: Trace = { open: 0, sinceUnixMs, waiting: [], isKept: undefined };
    this.#traces.set(traceId, trace);
    return trace;
  }

  #decideOldest(): void {
    for (const [traceId, trace] of this.#traces) {
      if (trace.waiting.length === 0) continue;
      this.#decide(traceId, trace);
      return;
    }
  }

  #forgetOldest(): void {
    for (const [traceId, trace] of this.#traces) {
      this.#decide(traceId, trace);
      this.#traces.delete(traceId);
      return;
    }
  }

  #decide(traceId: string, trace: Trace): void {
    const { waiting } = trace;
    if (waiting.length === 0) return;
    trace.waiting = [];
    this.#waiting -= waiting.length;
    const keeps = this.#pipeline.tail?.(traceId, waiting) ?? true;
    trace.isKept = trace.isKept === true || keeps;
    for (const span of waiting) this.#hand(span, keeps);
  }

  #hand(span: CollectedSpan, isKept: boolean): void {
    this.#pipeline.addSpan(span, isKept);
    if (isKept) this.#counts.spans_exported += 1;
    else this.#counts.spans_sampled_out += 1;
    this.#release(span);
  }
}

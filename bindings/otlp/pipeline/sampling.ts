import { type FinishedSpan, StatusCode } from "../core/model.ts";

/** Rules for keeping a trace after it has ended. A trace is kept if one rule applies. */
export interface TailSampling {
  /** Keeps traces with a failed span. Default: true. */
  readonly errors?: boolean | undefined;
  /** Keeps traces that took at least this many milliseconds. Default: duration is not considered. */
  readonly slowMs?: number | undefined;
  /** Keeps this fraction of the other traces, 0 to 1. Default: 0. */
  readonly ratio?: number | undefined;
}

/** Returns whether to keep the given spans of one trace, which ended in this isolate. */
export type TailDecision = (traceId: string, spans: readonly FinishedSpan[]) => boolean;

/**
 * Returns the decision function for tail sampling options.
 *
 * @param keepsRatio The ratio-based decision. It must depend on trace id and ratio only, so that all processes agree.
 */
export function tailDecision(
  { errors = true, slowMs = Number.POSITIVE_INFINITY, ratio = 0 }: TailSampling,
  keepsRatio: (traceId: string, ratio: number) => boolean,
): TailDecision {
  return (traceId, spans) => {
    let start = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const { status, startUnixMs, endUnixMs } of spans) {
      if (errors && status.code === StatusCode.error) return true;
      start = Math.min(start, startUnixMs);
      end = Math.max(end, endUnixMs);
    }
    return end - start >= slowMs || keepsRatio(traceId, ratio);
  };
}

/** The state of one trace: its waiting spans, or the decision. */
interface SampledTrace<S> {
  readonly waiting: S[];
  isKept: boolean | undefined;
}

/** Keeps ended spans until their trace is decided on. Spans that end later follow the decision. */
export class TailSampler<S extends FinishedSpan> {
  readonly #keeps: TailDecision;
  readonly #pass: (span: S, isKept: boolean) => void;
  readonly #traces = new Map<string, SampledTrace<S>>();
  #waiting = 0;

  /** @param pass Takes each span once its trace is decided on. */
  constructor(keeps: TailDecision, pass: (span: S, isKept: boolean) => void) {
    this.#keeps = keeps;
    this.#pass = pass;
  }

  /** Number of spans that wait for a decision. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a span that has ended. Returns whether the span now waits for the decision. */
  take(span: S): boolean {
    const { traceId } = span;
    let trace = this.#traces.get(traceId);
    if (trace === undefined) {
      trace = { waiting: [], isKept: undefined };
      this.#traces.set(traceId, trace);
    }
    if (trace.isKept === undefined) {
      trace.waiting.push(span);
      this.#waiting += 1;
      return true;
    }
    // If the trace was not kept, a later span is kept if the rules apply to this span alone.
    this.#pass(span, trace.isKept || this.#keeps(traceId, [span]));
    return false;
  }

  /** Decides about a trace and passes its waiting spans on. Does nothing if none waits. */
  decide(traceId: string): void {
    const trace = this.#traces.get(traceId);
    if (trace === undefined || trace.waiting.length === 0) return;
    const spans = trace.waiting.splice(0);
    this.#waiting -= spans.length;
    trace.isKept = this.#keeps(traceId, spans);
    for (const span of spans) this.#pass(span, trace.isKept);
  }

  /** Decides about all traces with waiting spans. */
  decideAll(): void {
    for (const traceId of this.#traces.keys()) this.decide(traceId);
  }

  /** Forgets the decision about a trace without waiting spans. */
  forget(traceId: string): void {
    this.#traces.delete(traceId);
  }
}

import type { Pipeline } from "../otlp/pipeline/pipeline.ts";
import { TailSampler } from "../otlp/pipeline/sampling.ts";
import type { CollectedSpan } from "./spans/collected_span.ts";
import type { CollectorCounts } from "./spans/counts.ts";
import { limits, undecidedTimeoutMs } from "./spans/counts.ts";

/** One trace, as seen by this isolate. */
interface Trace {
  /** Number of its invocations that have not ended. */
  open: number;
  readonly sinceUnixMs: number;
}

/**
 * Passes ended spans on. With tail sampling, the spans of a trace wait until all its invocations in this isolate have
 * ended. Later spans follow the decision while it is remembered.
 */
export class Traces {
  readonly #pipeline: Pipeline;
  readonly #counts: CollectorCounts;
  readonly #release: (span: CollectedSpan) => void;
  /** Undefined without tail sampling: spans do not wait. */
  readonly #sampler: TailSampler<CollectedSpan> | undefined;
  /** In the order in which they began. */
  readonly #traces = new Map<string, Trace>();

  /** @param release Called for each span that is passed on. */
  constructor(pipeline: Pipeline, counts: CollectorCounts, release: (span: CollectedSpan) => void) {
    this.#pipeline = pipeline;
    this.#counts = counts;
    this.#release = release;
    const { tail } = pipeline;
    this.#sampler = tail && new TailSampler(tail, (span, isKept) => this.#pass(span, isKept));
  }

  /** Number of spans that wait for a decision. */
  get undecided(): number {
    return this.#sampler?.waiting ?? 0;
  }

  begin(traceId: string): void {
    if (this.#sampler !== undefined) this.#traceOf(traceId).open += 1;
  }

  /** Takes a span that has ended. */
  take(span: CollectedSpan, isSampled: boolean): void {
    const sampler = this.#sampler;
    if (sampler === undefined || !isSampled) {
      this.#pass(span, isSampled);
      return;
    }
    this.#traceOf(span.traceId);
    sampler.take(span);
    if (sampler.waiting > limits.undecidedSpans) this.#decideOldest(sampler);
  }

  end(traceId: string): void {
    const trace = this.#traces.get(traceId);
    if (trace === undefined) return;
    trace.open -= 1;
    if (trace.open <= 0) this.#sampler?.decide(traceId);
  }

  /** Decides about traces that have waited for too long. */
  sweep(nowUnixMs: number): void {
    for (const [traceId, { sinceUnixMs }] of this.#traces) {
      if (nowUnixMs - sinceUnixMs <= undecidedTimeoutMs) return;
      this.#sampler?.decide(traceId);
    }
  }

  #traceOf(traceId: string): Trace {
    const known = this.#traces.get(traceId);
    if (known !== undefined) return known;
    if (this.#traces.size >= limits.traces) this.#forgetOldest();
    const trace: Trace = { open: 0, sinceUnixMs: this.#pipeline.clock() };
    this.#traces.set(traceId, trace);
    return trace;
  }

  #decideOldest(sampler: TailSampler<CollectedSpan>): void {
    const { waiting } = sampler;
    for (const traceId of this.#traces.keys()) {
      sampler.decide(traceId);
      if (sampler.waiting < waiting) return;
    }
  }

  #forgetOldest(): void {
    const [traceId] = this.#traces.keys();
    if (traceId === undefined) return;
    this.#sampler?.decide(traceId);
    this.#sampler?.forget(traceId);
    this.#traces.delete(traceId);
  }

  #pass(span: CollectedSpan, isKept: boolean): void {
    this.#pipeline.addSpan(span, isKept);
    if (isKept) this.#counts.spans_exported += 1;
    else this.#counts.spans_sampled_out += 1;
    this.#release(span);
  }
}

import type { KeptParameters } from "../../base/address.ts";
import type { Clock, WaitUntil } from "../../base/time.ts";
import type { FinishedSpan } from "../core/model.ts";
import type { EndedGroup } from "./options.ts";
import type { Pipeline, UndecidedSpans } from "./pipeline.ts";
import { TailSampler } from "./sampling.ts";

/** Time in milliseconds that a flush waits for open spans after the invocation has answered. */
const lingerMs = 1_000;

/**
 * The spans of one invocation, or of one trace that began outside of invocations. They are sent when the invocation is
 * over and all spans have ended. A span that ends later, such as the span of a stream, is sent when it ends.
 */
export class SpanGroup implements UndecidedSpans, EndedGroup {
  readonly pipeline: Pipeline;
  readonly clock: Clock;
  readonly keptParameters: KeptParameters;
  /** The first span of a trace that began outside of an invocation. */
  first: FinishedSpan | undefined;
  /** Number of console lines. */
  lines = 0;
  /** `waitUntil` of the invocation. Used if the runtime has no global one. */
  readonly #waitUntil: WaitUntil | undefined;
  #open = 0;
  #isOver = false;
  /** Undefined without tail sampling: every span is kept. */
  readonly #sampler: TailSampler<FinishedSpan> | undefined;
  #wake: (() => void) | undefined;
  #isFlushing = false;

  constructor(pipeline: Pipeline, waitUntil: WaitUntil | undefined) {
    this.pipeline = pipeline;
    this.clock = pipeline.clock;
    this.keptParameters = pipeline.keptParameters;
    this.#waitUntil = waitUntil;
    const { tail } = pipeline;
    this.#sampler =
      tail && new TailSampler(tail, (span, isKept) => pipeline.addSpan(span, isKept, this));
  }

  /** Whether the invocation has answered. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isIdle(): boolean {
    return this.#isOver && this.#open <= 0;
  }

  /** Returns a group of the same invocation whose spans are sent on their own. */
  next(): SpanGroup {
    return new SpanGroup(this.pipeline, this.#waitUntil);
  }

  opened(): void {
    this.#open += 1;
  }

  /** Takes a span that has ended. Never throws. */
  ended(span: FinishedSpan): void {
    this.#open -= 1;
    if (span === this.first) this.#isOver = true;
    try {
      this.#take(span);
      if (this.#isOver) this.#flushWhenIdle();
      else if (this.pipeline.isBatchFull) this.#flushSoon();
    } catch (cause) {
      this.pipeline.countFailure(cause);
    }
  }

  /** Notes that a log record was added. */
  logged(): void {
    if (this.#isOver) this.#flushWhenIdle();
    else if (this.pipeline.isBatchFull) this.#flushSoon();
  }

  /** Notes that the invocation has answered. Never throws. */
  over(): void {
    this.#isOver = true;
    try {
      this.#flushWhenIdle();
    } catch (cause) {
      this.pipeline.countFailure(cause);
    }
  }

  /** Decides about the waiting spans. Does not wait for open spans, because they may never end. */
  decide(): void {
    this.pipeline.decided(this);
    this.#sampler?.decideAll();
  }

  #take(span: FinishedSpan): void {
    if (this.#sampler === undefined) this.pipeline.addSpan(span, true, this);
    else if (this.#sampler.take(span)) this.pipeline.undecided(this);
  }

  #flushWhenIdle(): void {
    if (this.isIdle) {
      this.#wake?.();
      this.decide();
      if (this.pipeline.hasWork) this.#flushSoon();
      return;
    }
    if (this.#wake !== undefined || !this.pipeline.hasWork) return;
    // A stream may take a long time. Spans that have already ended do not wait for it, because they would be lost if
    // the invocation ended first.
    const { over, cancel } = this.pipeline.sleep(lingerMs);
    this.#wake = cancel;
    this.#hold(
      over.then(() => {
        this.#wake = undefined;
        return this.pipeline.flush();
      }),
    );
  }

  /** Flushes after the current task, so that encoding does not delay the response. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    const { over } = this.pipeline.sleep(0);
    this.#isFlushing = true;
    this.#hold(
      over.then(() => {
        this.#isFlushing = false;
        return this.pipeline.flush();
      }),
    );
  }

  #hold(work: Promise<unknown>): void {
    this.pipeline.hold(work, this.#waitUntil);
  }
}

import type { WaitUntil } from "../base/time.ts";
import type { Pipeline } from "../otlp/pipeline/pipeline.ts";

/** A timer that is late by more than this ended with its invocation. */
const timerGraceMs = 2_000;

/**
 * Flushes a pipeline with a delay, so that one request carries all items of that time. The runtime forbids an
 * invocation to use timers and requests of another. Each invocation therefore sleeps and sends in its own context, and
 * invocations share only numbers.
 */
export class DelayedFlush {
  readonly #pipeline: Pipeline;
  readonly #delayMs: number;
  readonly #before: () => void;
  #dueUnixMs: number | undefined;
  /** Start of the last early flush for a full batch. Undefined if none is pending. */
  #soonUnixMs: number | undefined;
  #lastUnixMs: number;
  #looks = 0;

  /** @param before Called before each flush. */
  constructor(pipeline: Pipeline, delayMs: number, before: () => void) {
    this.#pipeline = pipeline;
    this.#delayMs = delayMs;
    this.#before = before;
    this.#lastUnixMs = pipeline.clock();
  }

  /**
   * Returns whether a batch is full, or whether data may have waited for longer than `waitMs`. Checks only every 32nd
   * call, because it is called for each event.
   */
  isOverdue(waitMs: number): boolean {
    this.#looks = (this.#looks + 1) & 0x1f;
    if (this.#looks !== 0) return false;
    if (this.#pipeline.isBatchFull) return true;
    return this.#pipeline.hasWork && this.#pipeline.clock() - this.#lastUnixMs > waitMs;
  }

  /** Makes sure that a flush follows. It runs in the current invocation. */
  touch(waitUntil: WaitUntil | undefined): void {
    const pipeline = this.#pipeline;
    const now = pipeline.clock();
    if (pipeline.isBatchFull && !isAlive(this.#soonUnixMs, now)) {
      this.#soonUnixMs = now;
      pipeline.hold(this.#flushSoon(), waitUntil);
    }
    if (isAlive(this.#dueUnixMs, now)) return;
    this.#dueUnixMs = now + this.#delayMs;
    pipeline.hold(this.#flushLater(), waitUntil);
  }

  async #flushSoon(): Promise<void> {
    await this.#pipeline.sleep(0).over;
    this.#soonUnixMs = undefined;
    await this.#flush();
  }

  async #flushLater(): Promise<void> {
    await this.#pipeline.sleep(this.#delayMs).over;
    this.#dueUnixMs = undefined;
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const pipeline = this.#pipeline;
    this.#lastUnixMs = pipeline.clock();
    try {
      this.#before();
    } catch (cause) {
      pipeline.countFailure(cause);
    }
    await pipeline.flush();
  }
}

function isAlive(dueUnixMs: number | undefined, now: number): boolean {
  return dueUnixMs !== undefined && now <= dueUnixMs + timerGraceMs;
}

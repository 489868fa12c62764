import type { WaitUntil } from "../base/time.ts";
import type { Pipeline } from "../otlp/pipeline/pipeline.ts";

/** A timer that is so late died with its invocation. */
const timerGraceMs = 2_000;

/**
 * Flushes a pipeline a while after something was there to be sent, so that what ends meanwhile goes along. Each
 * invocation sleeps and sends in its own context, what they share are numbers: the runtime forbids anything else.
 */
export class DelayedFlush {
  readonly #pipeline: Pipeline;
  readonly #delayMs: number;
  readonly #before: () => void;
  #dueUnixMs: number | undefined;
  /** When a flush of a full batch was begun that has not got to it. */
  #soonUnixMs: number | undefined;
  #lastUnixMs: number;
  #looks = 0;

  /** @param before called before each flush. */
  constructor(pipeline: Pipeline, delayMs: number, before: () => void) {
    this.#pipeline = pipeline;
    this.#delayMs = delayMs;
    this.#before = before;
    this.#lastUnixMs = pipeline.clock();
  }

  /** Whether a batch is full, or something may have been waiting for so long. Looks now and then, for it is asked often. */
  isOverdue(waitMs: number): boolean {
    this.#looks = (this.#looks + 1) & 0x1f;
    if (this.#looks !== 0) return false;
    if (this.#pipeline.isBatchFull) return true;
    return this.#pipeline.hasWork && this.#pipeline.clock() - this.#lastUnixMs > waitMs;
  }

  /** Makes sure that a flush will follow, in the invocation that runs. */
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

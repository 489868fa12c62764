import { describeCause } from "../base/cause.ts";
import type { Sleep, WaitUntil } from "../base/time.ts";
import { currentScope, type InvocationScope } from "../trace/invocation_scope.ts";
import type { Meter } from "./meter.ts";
import type { Frame } from "./outbox.ts";
import type { SelfMetrics } from "./self_metrics.ts";
import type { Transport } from "./transport.ts";

/** What a flusher needs of the world around it. */
export interface FlusherOptions {
  /** That of the runtime for whatever invocation is running; undefined where it has none. */
  readonly waitUntil: WaitUntil | undefined;
  readonly sleep: (ms: number) => Sleep;
}

/** Where frames go and how often. */
export interface FlushPlan {
  readonly transport: Transport;
  readonly intervalMs: number;
}

/** After this a send that has not settled is taken for lost: the runtime ends an invocation 30 s after its response. */
const sendDeadlineMs = 40_000;
/** A timer that is so late died with its invocation. */
const timerGraceMs = 2_000;
/** An invocation holds on for retries no longer than this. */
const maxHoldMs = 25_000;
/** Gauges are sent again after so long, well before an aggregator lets them expire. */
const refreshMs = 60_000;

interface Timer {
  readonly dueMs: number;
  readonly scope: InvocationScope | undefined;
  readonly sleep: Sleep;
}

/**
 * Sends what a meter recorded, at most once per interval and isolate, and never leaves anything behind: while something
 * is recorded that was not sent, some invocation holds a timer in its `waitUntil`.
 *
 * Nothing of one invocation is touched by another: the runtime forbids it. Each sleeps and sends in its own context;
 * what they share are numbers.
 */
export class Flusher {
  readonly #meter: Meter;
  readonly #selfMetrics: SelfMetrics;
  readonly #options: FlusherOptions;
  #plan: FlushPlan | undefined;
  #timer: Timer | undefined;
  #sending: { readonly deadlineMs: number } | undefined;
  #lastFlushMs = Number.NEGATIVE_INFINITY;
  #lastRefreshMs: number;

  constructor(meter: Meter, selfMetrics: SelfMetrics, options: FlusherOptions) {
    this.#meter = meter;
    this.#selfMetrics = selfMetrics;
    this.#options = options;
    this.#lastRefreshMs = meter.clock();
    meter.onWake = () => this.#wake();
    meter.host.onRecord = () => {
      if (!meter.isAwake) meter.wake();
    };
  }

  /**
   * Where to send from now on; of several plans the last counts. The core is a producer from then on, and what it
   * records by itself is sent too.
   */
  use(plan: FlushPlan): void {
    this.#plan = plan;
    this.#meter.core();
    if (this.#timer === undefined) this.#meter.isAwake = false;
  }

  /**
   * To be called at the end of an invocation: flushes when the interval has passed, and makes sure that a timer is set
   * when not.
   *
   * @param scope the scope of the invocation.
   * @param waitUntil of the invocation, where the runtime has none of its own.
   */
  endInvocation(scope: InvocationScope | undefined, waitUntil: WaitUntil | undefined): void {
    const plan = this.#plan;
    if (plan === undefined || !this.#hasWork()) return;
    const now = this.#meter.clock();
    const isDue = this.#isDue(plan, now);
    if (isDue) {
      this.#dropTimer(scope);
      // Others that end before the flush has begun are not to begin one too.
      this.#lastFlushMs = now;
    } else if (this.#timer !== undefined && now <= this.#timer.dueMs + timerGraceMs) {
      return;
    }
    this.#hold(this.#options.waitUntil ?? waitUntil, isDue ? 0 : this.#delay(plan, now));
  }

  /** Something was recorded, and no timer is set. */
  #wake(): void {
    const plan = this.#plan;
    const { waitUntil } = this.#options;
    if (plan === undefined || waitUntil === undefined) {
      // Nothing to be done before the end of an invocation: no use in being told of every record.
      this.#meter.isAwake = true;
      return;
    }
    if (!this.#hasWork()) return;
    // Not at once, even if the interval has passed: there may be more before the invocation ends.
    const now = this.#meter.clock();
    this.#hold(waitUntil, this.#isDue(plan, now) ? plan.intervalMs : this.#delay(plan, now));
  }

  #hasWork(): boolean {
    const meter = this.#meter;
    return meter.isDirty || meter.outbox.size > 0 || this.#isRefreshDue(meter.clock());
  }

  #isRefreshDue(now: number): boolean {
    return this.#meter.hasGauges && now - this.#lastRefreshMs >= refreshMs;
  }

  #isSending(now: number): boolean {
    return this.#sending !== undefined && now < this.#sending.deadlineMs;
  }

  #isDue(plan: FlushPlan, now: number): boolean {
    return now - this.#lastFlushMs >= plan.intervalMs && !this.#isSending(now);
  }

  /** Milliseconds until the next flush may be. */
  #delay(plan: FlushPlan, now: number): number {
    const delay = this.#lastFlushMs + plan.intervalMs - now;
    return Math.min(Math.max(delay, 0), plan.intervalMs);
  }

  #hold(waitUntil: WaitUntil | undefined, delayMs: number): void {
    if (waitUntil === undefined) return;
    const timer = this.#setTimer(delayMs);
    const work = this.#flushWhenDue(timer).catch((cause: unknown) => {
      // Whatever it was, the next invocation looks again.
      this.#meter.warnOnce("flush", `isotel: a flush of metrics failed (${describeCause(cause)})`);
      if (this.#timer === timer) this.#dropTimer(undefined);
    });
    try {
      waitUntil(work);
    } catch (cause) {
      // No invocation to hold on to, such as while modules are loaded.
      timer.sleep.cancel();
      this.#clearTimer(timer);
      throw cause;
    }
  }

  #setTimer(delayMs: number): Timer {
    const timer: Timer = {
      dueMs: this.#meter.clock() + delayMs,
      scope: currentScope(),
      sleep: this.#options.sleep(delayMs),
    };
    this.#timer = timer;
    this.#meter.isAwake = true;
    return timer;
  }

  #clearTimer(timer: Timer): void {
    if (this.#timer !== timer) return;
    this.#timer = undefined;
    this.#meter.isAwake = false;
  }

  /** Forgets the timer; breaks off its sleep when it belongs to the invocation that asks. */
  #dropTimer(scope: InvocationScope | undefined): void {
    const timer = this.#timer;
    if (timer === undefined) return;
    this.#clearTimer(timer);
    if (scope !== undefined && timer.scope === scope) timer.sleep.cancel();
  }

  async #flushWhenDue(first: Timer): Promise<void> {
    const startMs = this.#meter.clock();
    for (let timer = first; ; ) {
      await timer.sleep.over;
      if (this.#timer !== timer) return;
      this.#clearTimer(timer);
      await this.#flush();
      // A record made meanwhile has set another timer, in whatever invocation it was.
      const plan = this.#plan;
      if (plan === undefined || this.#timer !== undefined || !this.#hasWork()) return;
      if (this.#meter.clock() - startMs + plan.intervalMs > maxHoldMs) return;
      timer = this.#setTimer(plan.intervalMs);
    }
  }

  async #flush(): Promise<void> {
    const plan = this.#plan;
    const now = this.#meter.clock();
    if (plan === undefined || this.#isSending(now)) return;
    if (this.#sending !== undefined) this.#selfMetrics.countFlush("timeout");
    this.#lastFlushMs = now;
    this.#takeFrames(now);
    const { outbox } = this.#meter;
    if (outbox.size === 0) return;
    const sending = { deadlineMs: now + sendDeadlineMs };
    this.#sending = sending;
    try {
      await plan.transport.send(outbox.frames, (frame: Frame) => outbox.remove(frame));
      this.#selfMetrics.countFlush("ok");
    } catch (cause) {
      this.#selfMetrics.countFlush("error");
      const why = describeCause(cause);
      // Two reasons are the same if only identifiers and times in them differ.
      const key = why.replace(/\w*\d\w*/g, "");
      this.#meter.warnOnce(
        `send ${key}`,
        `isotel: metrics could not be sent; they are kept and sent again (${why})`,
      );
    } finally {
      if (this.#sending === sending) this.#sending = undefined;
    }
  }

  #takeFrames(now: number): void {
    const meter = this.#meter;
    const refresh = this.#isRefreshDue(now);
    if (meter.outbox.isFull) {
      meter.warnOnce(
        "full",
        "isotel: 1 MB of metrics waits to be sent. Until some of it arrives, records are added up in the isolate, " +
          "and are lost with it",
      );
      return;
    }
    if (!(meter.isDirty || refresh)) return;
    const { isAwake } = meter;
    // What is written here goes out with this flush, and is no reason for another.
    meter.isAwake = true;
    if (this.#selfMetrics.flush(refresh) && refresh) this.#lastRefreshMs = now;
    meter.isAwake = isAwake;
  }
}

import { describeCause } from "../base/cause.ts";
import type { Sleep, WaitUntil } from "../base/time.ts";
import { currentScope, type InvocationScope } from "../trace/invocation_scope.ts";
import type { Meter } from "./meter.ts";
import type { Frame } from "./outbox.ts";
import type { SelfMetrics } from "./self_metrics.ts";
import type { Transport } from "./transport.ts";

/** Functions of the runtime that a flusher uses. */
export interface FlusherOptions {
  /** Extends the current invocation. Undefined if the runtime has no such global function. */
  readonly waitUntil: WaitUntil | undefined;
  readonly sleep: (ms: number) => Sleep;
}

/** The destination and the interval of flushes. */
export interface FlushPlan {
  readonly transport: Transport;
  readonly intervalMs: number;
}

/**
 * A send that has not settled after this time counts as lost. The runtime ends an invocation 30 s after its response.
 */
const sendDeadlineMs = 40_000;
/** A timer that is late by more than this has ended with its invocation. */
const timerGraceMs = 2_000;
/** Limit of the time that an invocation waits for retries. */
const maxHoldMs = 25_000;
/**
 * Interval at which unchanged gauges are sent again. Much shorter than the time after which an aggregator drops them.
 */
const refreshMs = 60_000;

interface Timer {
  readonly dueMs: number;
  readonly scope: InvocationScope | undefined;
  readonly sleep: Sleep;
}

/**
 * Sends the recorded metrics of an isolate, at most once per interval. While there is unsent data, one invocation keeps
 * a timer in its `waitUntil`.
 *
 * The runtime forbids an invocation to use timers and requests of another one. Each invocation therefore sleeps and
 * sends in its own context, and invocations share only numbers.
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
   * Sets the plan. The last call wins. Makes the core a producer, so that the metrics it records without a call of the
   * binding are sent too.
   */
  use(plan: FlushPlan): void {
    this.#plan = plan;
    this.#meter.core();
    if (this.#timer === undefined) this.#meter.isAwake = false;
  }

  /**
   * Flushes if the interval has passed; otherwise makes sure that a timer is set. Call it at the end of each
   * invocation.
   *
   * @param scope the scope of the invocation.
   * @param waitUntil `waitUntil` of the invocation. Used if the runtime has no global one.
   */
  endInvocation(scope: InvocationScope | undefined, waitUntil: WaitUntil | undefined): void {
    const plan = this.#plan;
    if (plan === undefined || !this.#hasWork()) return;
    const now = this.#meter.clock();
    const isDue = this.#isDue(plan, now);
    if (isDue) {
      this.#dropTimer(scope);
      // Set before the flush starts, so that invocations that end in between do not start one too.
      this.#lastFlushMs = now;
    } else if (this.#timer !== undefined && now <= this.#timer.dueMs + timerGraceMs) {
      return;
    }
    this.#hold(this.#options.waitUntil ?? waitUntil, isDue ? 0 : this.#delay(plan, now));
  }

  /** Called when data was recorded and no timer is set. */
  #wake(): void {
    const plan = this.#plan;
    const { waitUntil } = this.#options;
    if (plan === undefined || waitUntil === undefined) {
      // Nothing can be done before the end of an invocation, so further records need not call this method.
      this.#meter.isAwake = true;
      return;
    }
    if (!this.#hasWork()) return;
    // Waits even if the interval has passed: the invocation may record more before it ends.
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

  /** Returns the milliseconds until the next flush is allowed. */
  #delay(plan: FlushPlan, now: number): number {
    const delay = this.#lastFlushMs + plan.intervalMs - now;
    return Math.min(Math.max(delay, 0), plan.intervalMs);
  }

  #hold(waitUntil: WaitUntil | undefined, delayMs: number): void {
    if (waitUntil === undefined) return;
    const timer = this.#setTimer(delayMs);
    const work = this.#flushWhenDue(timer).catch((cause: unknown) => {
      // The next invocation schedules another flush.
      this.#meter.warnOnce("flush", `isotel: a flush of metrics failed (${describeCause(cause)})`);
      if (this.#timer === timer) this.#dropTimer(undefined);
    });
    try {
      waitUntil(work);
    } catch (cause) {
      // There is no invocation to extend, for example while modules load.
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

  /** Removes the timer. Cancels its sleep only if it belongs to the invocation of `scope`. */
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
      // A record during the flush has set another timer, maybe in another invocation.
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
      // Without identifiers and times, so that the same reason is logged once.
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
        "isotel: 1 MB of metrics waits to be sent. Until some of it is delivered, new records stay in the isolate " +
          "and are lost if it ends",
      );
      return;
    }
    if (!(meter.isDirty || refresh)) return;
    const { isAwake } = meter;
    // The metrics written here leave with this flush. They must not schedule another one.
    meter.isAwake = true;
    if (this.#selfMetrics.flush(refresh) && refresh) this.#lastRefreshMs = now;
    meter.isAwake = isAwake;
  }
}

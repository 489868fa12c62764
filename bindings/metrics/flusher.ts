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
  /**
   * Starts another invocation of this Worker, which calls {@link Flusher.flushLater} with the token. Resolves to the
   * answer of that method. Undefined if the runtime cannot start one.
   */
  readonly startInvocation?: ((token: string) => PromiseLike<unknown>) | undefined;
  /** Runs a function outside of the current spans, whose children would be the requests of a flush. */
  readonly outsideSpans?: <T>(body: () => T) => T;
}

/** An invocation that ends. */
export interface EndedInvocation {
  readonly scope?: InvocationScope | undefined;
  /** `waitUntil` of the invocation. Used if the runtime has no global one. */
  readonly waitUntil?: WaitUntil | undefined;
  /** Records the last metrics of the invocation. */
  readonly record?: (() => void) | undefined;
  /** Whether it may wait for the next flush. `rarely`: one of {@link invocationsPerWait} invocations may. */
  readonly waits: Waits;
}

type Waits = "always" | "rarely" | "never";

/** The destination and the interval of flushes. */
export interface FlushPlan {
  readonly transport: Transport;
  readonly intervalMs: number;
  /** Number of aggregators. Undefined as in isolates of earlier versions: the number of the consumer is used. */
  readonly shards?: number | undefined;
}

/**
 * A send that has not settled after this time counts as lost. The runtime ends an invocation 30 s after its response.
 */
const sendDeadlineMs = 40_000;
/** A timer that is late by more than this has ended with its invocation. */
const timerGraceMs = 2_000;
/** Limit of the time that an invocation waits for flushes. */
const maxWaitMs = 25_000;
/** If the isolate cannot start an invocation that waits, one invocation of this number waits. The others do not. */
const invocationsPerWait = 300;
/** Delay of a flush in an invocation that must not wait and whose end is not known. */
const soonMs = 50;
/** Limit of the time that an invocation waits for the answer of the one that it started. */
const answerDeadlineMs = 1000;
/** Limit of the time that a flush waits for values that are observed. */
const observeDeadlineMs = 1000;
/** Interval at which {@link Flusher.flush} checks whether another invocation is still sending. */
const pollMs = 20;
/** After this number of refusals in succession, or one error, the isolate starts no more invocations. */
const maxRefusals = 3;
/**
 * Interval at which unchanged gauges are sent again. Much shorter than the time after which an aggregator drops them.
 */
const refreshMs = 60_000;

interface Timer {
  readonly dueMs: number;
  readonly scope: InvocationScope | undefined;
  /** Undefined while the invocation that is to wait starts. */
  readonly sleep: Sleep | undefined;
}

/**
 * Sends the recorded metrics of an isolate. An invocation that ends after the interval has passed sends at once.
 * Otherwise an invocation has to wait for the rest of the interval, because the isolate may get no other one.
 *
 * Waiting makes an invocation last longer: in its root span, and in the bill of a Durable Object. Therefore the isolate
 * calls itself, and the invocation of that call waits. If that is not possible, one of {@link invocationsPerWait}
 * invocations waits, and the others send at their end.
 *
 * The runtime forbids an invocation to use timers and requests of another one. Each invocation therefore sleeps and
 * sends in its own context, and invocations share only numbers.
 */
export class Flusher {
  readonly #meter: Meter;
  readonly #selfMetrics: SelfMetrics;
  readonly #options: FlusherOptions;
  /** Invocations whose end is reported to {@link endInvocation}. */
  readonly #running = new WeakSet<InvocationScope>();
  #plan: FlushPlan | undefined;
  #timer: Timer | undefined;
  #sending: { readonly deadlineMs: number } | undefined;
  #lastFlushMs = Number.NEGATIVE_INFINITY;
  #lastRefreshMs: number;
  /** Known to this isolate alone, so that an invocation in another isolate does not wait for this one. */
  #token: string | undefined;
  #refusals = 0;
  #invocationsSinceWait = 0;

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
    this.#meter.shards = plan.shards;
    this.#meter.core();
    if (this.#timer === undefined) this.#meter.isAwake = false;
  }

  /** Notes that an invocation begins whose end will be reported. Returns false if that is known already. */
  beginInvocation(scope: InvocationScope): boolean {
    if (this.#running.has(scope)) return false;
    this.#running.add(scope);
    return true;
  }

  /** Flushes if the interval has passed; otherwise makes sure that an invocation waits. */
  endInvocation({ scope, waitUntil, waits, record }: EndedInvocation): void {
    if (record !== undefined) this.#withoutWaking(record);
    const plan = this.#plan;
    if (plan === undefined) return;
    this.#invocationsSinceWait += 1;
    if (scope !== undefined) {
      this.#running.delete(scope);
      // The rest of the interval would make the invocation last longer.
      if (this.#timer?.scope === scope) this.#dropTimer(scope);
    }
    const extend = this.#options.waitUntil ?? waitUntil;
    if (extend === undefined || !this.#hasWork()) return;
    const now = this.#meter.clock();
    if (this.#isDue(plan, now)) {
      this.#dropTimer(scope);
      // Set before the flush starts, so that invocations that end in between do not start one too.
      this.#lastFlushMs = now;
      this.#wait(extend, 0, waits);
    } else if (this.#timer === undefined || now > this.#timer.dueMs + timerGraceMs) {
      const delayMs = this.#delay(plan, now);
      if (waits === "always") this.#wait(extend, delayMs, waits);
      else this.#pass(extend, delayMs, waits, 0);
    }
  }

  /**
   * Waits for the next flush in the current invocation, which exists for nothing else.
   *
   * @param token the token that `startInvocation` got.
   * @returns whether it waits. Another isolate than the one that started it does not.
   */
  flushLater(token: unknown, waitUntil: WaitUntil): boolean {
    if (this.#token === undefined || token !== this.#token) return false;
    const timer = this.#timer;
    // Another invocation may have flushed in the meantime.
    if (timer !== undefined && timer.sleep === undefined) {
      this.#wait(waitUntil, Math.max(0, timer.dueMs - this.#meter.clock()), "always");
    }
    return true;
  }

  /**
   * Sends everything that was recorded so far.
   *
   * @returns whether nothing waits any more. What could not be sent is sent again later.
   */
  flush(): Promise<boolean> {
    return this.#outsideSpans(() => this.#flushNow());
  }

  async #flushNow(): Promise<boolean> {
    const { clock, outbox } = this.#meter;
    const isDone = () => outbox.size === 0 && !this.#meter.isDirty;
    if (this.#plan === undefined) return isDone();
    // Only the invocation that sends can wait for the answer.
    while (this.#isSending(clock())) await this.#options.sleep(pollMs).over;
    let hasRest = true;
    while (hasRest) {
      hasRest = outbox.isFull;
      if (!(await this.#flush())) break;
    }
    return isDone();
  }

  #outsideSpans<T>(body: () => T): T {
    const { outsideSpans } = this.#options;
    return outsideSpans === undefined ? body() : outsideSpans(body);
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
    const now = this.#meter.clock();
    // Waits even if the interval has passed: the invocation may record more before it ends.
    const delayMs = this.#isDue(plan, now) ? plan.intervalMs : this.#delay(plan, now);
    // The end of a running invocation cancels its timer.
    if (this.#isRunning(currentScope())) this.#wait(waitUntil, delayMs, "never");
    else this.#pass(waitUntil, delayMs, "never", soonMs);
  }

  #isRunning(scope: InvocationScope | undefined): boolean {
    return scope !== undefined && this.#running.has(scope);
  }

  /** Whether an invocation is the one of many that waits. */
  #takesTurn(waits: Waits): boolean {
    if (waits === "never" || this.#invocationsSinceWait < invocationsPerWait) return false;
    this.#invocationsSinceWait = 0;
    return true;
  }

  #hasWork(): boolean {
    const meter = this.#meter;
    return meter.isDirty || meter.outbox.size > 0 || this.#isRefreshDue(meter.clock());
  }

  #isRefreshDue(now: number): boolean {
    const { hasGauges, hasObservers } = this.#meter;
    return (hasGauges || hasObservers) && now - this.#lastRefreshMs >= refreshMs;
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

  /** Sleeps in the current invocation and then flushes. */
  #wait(waitUntil: WaitUntil, delayMs: number, waits: Waits): void {
    const timer = this.#setTimer(delayMs, currentScope());
    this.#extend(waitUntil, timer, () => this.#flushWhenDue(timer, waits));
  }

  /**
   * Lets an invocation of its own wait for the next flush. If that is not possible, the current invocation waits if it
   * is its turn, and otherwise flushes after `ownDelayMs`.
   */
  #pass(waitUntil: WaitUntil, delayMs: number, waits: Waits, ownDelayMs: number): void {
    const ownDelay = () => (this.#takesTurn(waits) ? delayMs : Math.min(ownDelayMs, delayMs));
    if (!this.#canStart) {
      this.#wait(waitUntil, ownDelay(), waits);
      return;
    }
    const timer = this.#announce(delayMs);
    this.#extend(waitUntil, timer, async () => {
      if (await this.#start(timer)) return;
      await this.#flushWhenDue(this.#setTimer(ownDelay(), undefined), waits);
    });
  }

  get #canStart(): boolean {
    return this.#options.startInvocation !== undefined && this.#refusals < maxRefusals;
  }

  /** Sets the timer of an invocation that starts next. */
  #announce(delayMs: number): Timer {
    const timer = { dueMs: this.#meter.clock() + delayMs, scope: undefined, sleep: undefined };
    this.#timer = timer;
    this.#meter.isAwake = true;
    return timer;
  }

  /** Starts an invocation that waits for an announced timer. Removes the timer and returns false if it does not. */
  async #start(timer: Timer): Promise<boolean> {
    const deadline = this.#options.sleep(answerDeadlineMs);
    let isWaiting = false;
    try {
      this.#token ??= crypto.randomUUID();
      const answer = this.#options.startInvocation?.(this.#token);
      isWaiting = (await Promise.race([answer, deadline.over])) === true;
      this.#refusals = isWaiting ? 0 : this.#refusals + 1;
    } catch {
      // The default export of the Worker is not that of withTelemetry.
      this.#refusals = maxRefusals;
    } finally {
      deadline.cancel();
    }
    // Another invocation may have flushed or set its own timer in the meantime.
    if (isWaiting || this.#timer !== timer) return true;
    this.#clearTimer(timer);
    return false;
  }

  /** Keeps the current invocation alive for `work`. Its requests belong to none of the user's spans. */
  #extend(waitUntil: WaitUntil, timer: Timer, work: () => Promise<void>): void {
    const run = async () => {
      try {
        await work();
      } catch (cause) {
        // The next invocation schedules another flush.
        this.#meter.warnOnce(
          "flush",
          `isotel: a flush of metrics failed (${describeCause(cause)})`,
        );
        if (this.#timer === timer) this.#dropTimer(undefined);
      }
    };
    try {
      this.#outsideSpans(() => waitUntil(run()));
    } catch (cause) {
      // There is no invocation to extend, for example while modules load.
      timer.sleep?.cancel();
      this.#clearTimer(timer);
      throw cause;
    }
  }

  #setTimer(delayMs: number, scope: InvocationScope | undefined): Timer {
    const timer: Timer = {
      dueMs: this.#meter.clock() + delayMs,
      scope,
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
    if (scope !== undefined && timer.scope === scope) timer.sleep?.cancel();
  }

  async #flushWhenDue(first: Timer, waits: Waits): Promise<void> {
    const startMs = this.#meter.clock();
    for (let timer = first; ; ) {
      await timer.sleep?.over;
      if (this.#timer !== timer) return;
      this.#clearTimer(timer);
      // The invocation that is sending also sends the rest.
      if (waits !== "always" && this.#isSending(this.#meter.clock())) return;
      const hasFailed = !(await this.#flush());
      // A record during the flush has set another timer, maybe in another invocation.
      const plan = this.#plan;
      if (plan === undefined || this.#timer !== undefined || !this.#hasWork()) return;
      let delayMs = plan.intervalMs;
      if (waits !== "always" && !this.#isRunning(first.scope)) {
        if (this.#canStart && (await this.#start(this.#announce(delayMs)))) return;
        // A send that failed is repeated by the next invocation.
        if (hasFailed && waits === "never") return;
        if (!hasFailed && !this.#takesTurn(waits)) delayMs = soonMs;
      }
      if (this.#meter.clock() - startMs + delayMs > maxWaitMs) return;
      timer = this.#setTimer(delayMs, first.scope);
    }
  }

  /** Sends what was recorded. Returns false if it could not, or another invocation is sending. */
  async #flush(): Promise<boolean> {
    const plan = this.#plan;
    const now = this.#meter.clock();
    if (plan === undefined || this.#isSending(now)) return false;
    if (this.#sending !== undefined) this.#selfMetrics.countFlush("timeout");
    this.#lastFlushMs = now;
    if (this.#meter.hasObservers) await this.#observe(now);
    this.#takeFrames(now);
    const { outbox } = this.#meter;
    if (outbox.size === 0) return true;
    const sending = { deadlineMs: now + sendDeadlineMs };
    this.#sending = sending;
    try {
      await plan.transport.send(outbox.frames, (frame: Frame) => outbox.remove(frame));
      this.#selfMetrics.countFlush("ok");
      return true;
    } catch (cause) {
      this.#selfMetrics.countFlush("error");
      const why = describeCause(cause);
      // Without identifiers and times, so that the same reason is logged once.
      const key = why.replace(/\w*\d\w*/g, "");
      this.#meter.warnOnce(
        `send ${key}`,
        `isotel: metrics could not be sent; they are kept and sent again (${why})`,
      );
      return false;
    } finally {
      if (this.#sending === sending) this.#sending = undefined;
    }
  }

  /** Lets observers record. Their records leave with this flush. One that takes too long is left behind. */
  async #observe(now: number): Promise<void> {
    const meter = this.#meter;
    const { isAwake } = meter;
    const sending = { deadlineMs: now + sendDeadlineMs };
    const deadline = this.#options.sleep(observeDeadlineMs);
    this.#sending = sending;
    meter.isAwake = true;
    try {
      await Promise.race([meter.collect(), deadline.over]);
    } finally {
      deadline.cancel();
      meter.isAwake = isAwake;
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
    this.#withoutWaking(() => {
      if (this.#selfMetrics.flush(refresh) && refresh) this.#lastRefreshMs = now;
    });
  }

  /** Runs code whose records leave with a flush that follows anyway. */
  #withoutWaking(body: () => void): void {
    const meter = this.#meter;
    const { isAwake } = meter;
    meter.isAwake = true;
    try {
      body();
    } finally {
      meter.isAwake = isAwake;
    }
  }
}

import { aggregatorCounterNames } from "../aggregate/totals/abi.gen.ts";
import { AggregationError } from "../aggregate/totals/aggregate.ts";
import { LogOnce } from "../base/report_once.ts";
import { ErrorCode } from "../core/abi.gen.ts";
import { ownScope } from "../otlp/core/model.ts";
import { answerNotice } from "../otlp/exporter/answer_notice.ts";
import { backoffMs, type SenderOptions, type SendOutcome, send } from "../otlp/exporter/sender.ts";
import type { ExportHost, MetricsExportCounts } from "../slots/metrics_export.ts";
import { baseOf, encodePart, type Interval, type Part, takeRanges } from "./encode_part.ts";
import type { TargetPlan } from "./read_metrics_options.ts";
import {
  DamagedExportError,
  type PendingInterval,
  type TargetState,
  type TargetStore,
} from "./target_store.ts";

/** Options of a {@link MetricsTarget}. */
export interface TargetOptions {
  readonly plan: TargetPlan;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly intervalMs: number;
  readonly host: ExportHost;
  readonly store: TargetStore;
  readonly slot: number;
  readonly sending: SenderOptions;
}

/**
 * Number of attempts for one request in short succession. After that, cumulative totals are replaced by newer ones, and
 * a delta is repeated once an interval.
 */
const maxAttempts = 10;
/** Milliseconds between such attempts: the first wait and the longest one. */
const firstDelayMs = 500;
const maxDelayMs = 8_000;
/** Age in milliseconds at which a delta is given up. The next delta then includes its data. */
const maxPendingMs = 3_600_000;
/** Pause in milliseconds after an error of storage or of the module. */
const errorPauseMs = 60_000;
/**
 * Time in milliseconds after the timeout of an attempt. An object that was evicted during the attempt continues after
 * it.
 */
const graceMs = 5_000;

/**
 * Sends the totals of an aggregator to one backend, once an interval.
 *
 * The snapshot is stored before any part of it is sent. The outcome of each request is stored together with its
 * consequences. A request without a response is therefore repeated with the same bytes, even by a later instance of the
 * object. A delta begins where the last accepted delta ended.
 */
export class MetricsTarget {
  readonly #options: TargetOptions;
  readonly #notices: LogOnce;
  #state: TargetState;
  /** True at the start, because it is unknown what an earlier instance left unsent. */
  #hasChanged = true;
  /** Whether the last interval had data points. The next interval then repeats gauges. */
  #hadPoints = false;
  #isRunning = false;
  #busyUntilUnixMs = 0;
  #pausedUntilUnixMs = 0;

  constructor(options: TargetOptions) {
    this.#options = options;
    this.#notices = new LogOnce((message) => options.host.report(message));
    this.#state = options.store.read(options.slot);
  }

  changed(): void {
    this.#hasChanged = true;
  }

  counts(): MetricsExportCounts {
    const { backend, temporality } = this.#options.plan;
    const { counts, pending } = this.#state;
    return { backend, temporality, ...counts, isPending: pending !== null };
  }

  /** Returns the time at which {@link start} will have work. Undefined if it has none until the totals change. */
  nextUnixMs(): number | undefined {
    const { intervalUnixMs, waitUntilUnixMs, pending } = this.#state;
    const intervalEnd = intervalUnixMs + this.#options.intervalMs;
    if (this.#isRunning) return Math.max(intervalEnd, this.#busyUntilUnixMs);
    const earliest = Math.max(waitUntilUnixMs, this.#pausedUntilUnixMs);
    if (pending !== null) return earliest;
    // Unchanged totals are sent too. A backend would treat missing points as the end of a series.
    const isWanted = this.#hasChanged || this.#hadPoints;
    return isWanted ? Math.max(intervalEnd, earliest) : undefined;
  }

  /** Begins an interval if it is due and sends the pending one in the background. Never throws. */
  start(nowUnixMs: number): void {
    const next = this.nextUnixMs();
    if (this.#isRunning || next === undefined || next > nowUnixMs) return;
    this.#isRunning = true;
    this.#options.host.hold(this.#run(nowUnixMs));
  }

  async #run(nowUnixMs: number): Promise<void> {
    const { host } = this.#options;
    try {
      if (this.#state.pending === null) this.#begin(nowUnixMs);
      while (this.#state.pending !== null && (await this.#sendPart(this.#state.pending))) {
        // Continues until all parts are decided or one has to wait.
      }
    } catch (cause) {
      host.report("isotel: the export of metrics failed.", cause);
      this.#pausedUntilUnixMs = this.#now() + errorPauseMs;
      if (isDamage(cause)) this.#startAnew();
      else this.#reload();
    }
    this.#isRunning = false;
    try {
      const next = this.nextUnixMs();
      if (next !== undefined) await host.wakeBy(next);
    } catch (cause) {
      host.report("isotel: the alarm of the next export of metrics cannot be set.", cause);
    }
  }

  /** Takes the snapshot of a new interval and stores it. Nothing is sent before that. */
  #begin(nowUnixMs: number): void {
    const { host, store, slot } = this.#options;
    // In an outage, an interval is one more attempt. Otherwise each interval would begin the short succession again.
    const attempts = this.#state.isDown === true ? maxAttempts - 1 : 0;
    const pending: PendingInterval = { next: 0, taken: [], attempts, points: 0 };
    const state: TargetState = { ...this.#state, intervalUnixMs: nowUnixMs, pending };
    host.totals.snapshot(nowUnixMs, (bytes) => {
      store.writeSnapshot(slot, bytes);
      store.write(slot, state);
    });
    this.#state = state;
    this.#hasChanged = false;
  }

  /** Sends the next request of the interval. Returns whether another request may follow at once. */
  async #sendPart(pending: PendingInterval): Promise<boolean> {
    const { host, plan, sending } = this.#options;
    const { destination } = plan;
    const interval = this.#interval();
    const part = encodePart(
      host.aggregate(),
      interval,
      {
        ...this.#options,
        scope: ownScope,
        format: destination.format,
        temporality: plan.temporality,
      },
      pending.next,
      destination.maxBytes,
    );
    if (part.bytes === undefined) {
      this.#decide(pending, part, undefined);
      return !part.isLast;
    }
    const deadline = this.#now() + destination.timeoutMs;
    this.#busyUntilUnixMs = deadline + graceMs;
    const outcome = await send(destination, part.bytes, deadline, sending);
    if (outcome.result === "unavailable") {
      this.#wait(pending, outcome);
      return false;
    }
    this.#decide(pending, part, outcome);
    return !part.isLast;
  }

  /** Records the outcome of a part: accepted, refused, or too large to send. */
  #decide(pending: PendingInterval, part: Part, outcome: SendOutcome | undefined): void {
    const { accepted, rejected, dropped } = pointsOf(part, outcome);
    const isTaken = outcome?.result === "accepted";
    const taken = isTaken
      ? [...pending.taken, [pending.next, part.next] as const]
      : [...pending.taken];
    const points = pending.points + part.points;
    const { counts } = this.#state;
    const state: TargetState = {
      ...this.#state,
      pending: { next: part.next, taken, attempts: 0, points },
      isDown: false,
      counts: {
        ...counts,
        accepted: counts.accepted + accepted,
        rejected: counts.rejected + rejected,
        dropped: counts.dropped + dropped,
        requests: counts.requests + (outcome === undefined ? 0 : 1),
        lastStatus: outcome?.status ?? counts.lastStatus,
      },
    };
    this.#report(outcome, rejected, dropped);
    const end = part.isLast ? this.#finished(state) : state;
    this.#store(end, { accepted, rejected, dropped }, part.isLast ? taken : []);
  }

  /** Schedules another attempt. Gives the interval up after too many attempts. */
  #wait(pending: PendingInterval, outcome: SendOutcome): void {
    const { counts } = this.#state;
    const { intervalMs, plan, sending } = this.#options;
    const attempts = pending.attempts + 1;
    const isTried = attempts >= maxAttempts;
    const ageMs = this.#now() - this.#state.intervalUnixMs;
    // The backend may have accepted the request although no response arrived. It can recognize a repeated delta only if
    // the delta is unchanged.
    const isOver = isTried && (plan.temporality === "cumulative" || ageMs >= maxPendingMs);
    const backoff = backoffMs(attempts, sending.random, firstDelayMs, maxDelayMs);
    const pauseMs = Math.max(isTried ? intervalMs : backoff, outcome.retryAfterMs);
    const state: TargetState = {
      ...this.#state,
      waitUntilUnixMs: this.#now() + Math.ceil(pauseMs),
      pending: { ...pending, attempts },
      isDown: isTried,
      counts: {
        ...counts,
        requests: counts.requests + 1,
        failed: counts.failed + 1,
        givenUp: counts.givenUp + (isOver ? 1 : 0),
        lastStatus: outcome.status,
      },
    };
    this.#report(outcome, 0, 0);
    const end = isOver ? this.#finished(state) : state;
    // The next interval sends the data that was not sent.
    if (isOver) this.#hasChanged = true;
    this.#store(end, { failed: 1 }, isOver ? pending.taken : []);
  }

  #finished(state: TargetState): TargetState {
    this.#hadPoints = (state.pending?.points ?? 0) > 0;
    return { ...state, pending: null };
  }

  /** Stores a state together with its counts. With `taken` it also stores the base of the next delta. */
  #store(state: TargetState, counted: Counted, taken: PendingInterval["taken"]): void {
    const { host, plan, store, slot } = this.#options;
    const isDelta = plan.temporality === "delta" && taken.length > 0;
    const base = isDelta ? takeRanges(host.aggregate(), this.#interval(), taken) : undefined;
    const next = base === undefined ? state : { ...state, hasBase: true };
    const amounts = Object.entries(counted)
      .filter(([, amount]) => amount > 0)
      .map(([name, amount]) => [counters[name as keyof typeof counters], amount] as const);
    host.totals.count(amounts, () => {
      if (base !== undefined) store.writeBase(slot, base);
      store.write(slot, next);
    });
    this.#state = next;
    const { rejected = 0, dropped = 0, failed = 0 } = counted;
    if (rejected + dropped + failed > 0) host.counted();
  }

  #interval(): Interval {
    const { store, slot, plan } = this.#options;
    const snapshot = store.snapshot(slot);
    const hasBase = plan.temporality === "delta" && this.#state.hasBase;
    const base = hasBase ? store.base(slot) : undefined;
    // Without its base, a delta would repeat all that was sent before.
    if (snapshot === undefined || hasBase !== (base !== undefined)) {
      throw new DamagedExportError("isotel: the stored totals of an export are gone");
    }
    return { snapshot, base };
  }

  /** Reports an answer whose status differs from the last one, and a data point that is too large. Each once. */
  #report(outcome: SendOutcome | undefined, rejected: number, dropped: number): void {
    const { backend, destination } = this.#options.plan;
    const { counts } = this.#state;
    if (outcome === undefined) {
      const limit = destination.maxBytes;
      const message = `isotel: metrics for ${backend}: a data point is larger than ${limit} bytes.`;
      if (dropped > 0) this.#notices.log(message, message);
      return;
    }
    // The last status is stored. The object may have been evicted since.
    const isNew = outcome.status !== counts.lastStatus || counts.requests === 0;
    const notice = answerNotice(backend, "metrics", outcome, counts.rejected + rejected);
    if (notice !== undefined && (isNew || outcome.result === "accepted")) {
      this.#notices.log(notice.key, notice.message);
    }
  }

  /** Replaces what is stored, because it is damaged. The next delta starts at the current totals. */
  #startAnew(): void {
    const { host, plan, store, slot } = this.#options;
    try {
      const nowUnixMs = this.#now();
      const base = plan.temporality === "delta" ? baseOf(host, nowUnixMs) : undefined;
      const { counts } = this.#state;
      const state: TargetState = {
        ...this.#state,
        intervalUnixMs: nowUnixMs,
        pending: null,
        hasBase: base !== undefined,
        counts: { ...counts, givenUp: counts.givenUp + 1 },
      };
      host.totals.count([], () => {
        if (base !== undefined) store.writeBase(slot, base);
        store.write(slot, state);
      });
      this.#state = state;
      this.#hasChanged = true;
      host.report(startsAnew(plan));
    } catch (cause) {
      host.report("isotel: the export of metrics cannot start anew; it is tried again.", cause);
    }
  }

  #reload(): void {
    try {
      this.#state = this.#options.store.read(this.#options.slot);
    } catch {
      // Storage failed. The state in memory is the last one that was stored.
    }
  }

  #now(): number {
    return this.#options.sending.clock();
  }
}

/** Returns whether an error shows that stored bytes are damaged. */
function isDamage(cause: unknown): boolean {
  if (cause instanceof DamagedExportError) return true;
  return cause instanceof AggregationError && cause.code === ErrorCode.corrupt;
}

/** Returns the line about a backend whose stored state is damaged. */
export function startsAnew(plan: TargetPlan | undefined): string {
  return (
    `isotel: metrics for ${plan?.backend ?? "a backend"}: what is stored of the export is damaged; it starts anew. ` +
    "Deltas leave out what was not sent."
  );
}

type CountName = "accepted" | "rejected" | "dropped" | "failed";

/** The counters of the totals for data points and requests of the export. */
export const counters: Readonly<Record<CountName, number>> = {
  accepted: aggregatorCounterNames.indexOf("isotel_otlp_points_accepted"),
  rejected: aggregatorCounterNames.indexOf("isotel_otlp_points_rejected"),
  dropped: aggregatorCounterNames.indexOf("isotel_otlp_points_dropped"),
  failed: aggregatorCounterNames.indexOf("isotel_otlp_metric_requests_failed"),
};

export type Counted = Readonly<Partial<Record<CountName, number>>>;

/** Returns the outcome of a part's data points. Without an outcome the part could not be sent. */
export function pointsOf(
  { points }: Part,
  outcome: SendOutcome | undefined,
): { accepted: number; rejected: number; dropped: number } {
  if (outcome === undefined) return { accepted: 0, rejected: 0, dropped: points };
  if (outcome.result !== "accepted") return { accepted: 0, rejected: points, dropped: 0 };
  const rejected = Math.min(outcome.rejected, points);
  return { accepted: points - rejected, rejected, dropped: 0 };
}

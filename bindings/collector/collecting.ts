import type { Clock, WaitUntil } from "../base/time.ts";
import type { ResourceAttributes } from "../otlp/core/encoder.ts";
import { sampledFlag } from "../otlp/core/model.ts";
import type { Pipeline } from "../otlp/pipeline/pipeline.ts";
import { DelayedFlush } from "./delayed_flush.ts";
import {
  CollectedInvocation,
  type InvocationHost,
  type SpanMeasurer,
} from "./spans/collected_invocation.ts";
import type { CollectedSpan } from "./spans/collected_span.ts";
import { CollectorCounts, idleTimeoutMs, limits } from "./spans/counts.ts";
import type { CollectedLog } from "./spans/log_record.ts";
import type { RouteOf } from "./spans/onset_span.ts";
import { AttributeReader } from "./spans/read_attributes.ts";
import { guardedRedact, type Redact } from "./spans/redaction.ts";
import { Resources } from "./spans/resources.ts";
import { Traces } from "./traces.ts";

type Onset = TailStream.TailEvent<TailStream.Onset>;
type TailEvent = TailStream.TailEvent<TailStream.EventType>;
/** Takes the later events of one invocation, in order of arrival. Never throws. */
export type TakeEvent = (event: TailEvent) => void;

/** Options of {@link Collecting}. */
export interface CollectingOptions {
  readonly clock: Clock;
  /** Receives spans and log records. Undefined if the options do not configure an export. */
  readonly pipeline: Pipeline | undefined;
  /** Attributes of every resource. */
  readonly resource: ResourceAttributes;
  readonly metrics: SpanMeasurer | undefined;
  readonly redact?: Redact | undefined;
  readonly route?: RouteOf | undefined;
  /** Returns whether to ignore an invocation. */
  readonly ignores: (onset: Onset) => boolean;
  /** Milliseconds from the end of an invocation to the request with its spans. */
  readonly flushDelayMs: number;
  /** Called when an invocation ends, in the context of the current invocation of the collector. */
  readonly onOutcome?: ((waitUntil: WaitUntil | undefined) => void) | undefined;
  readonly counts?: CollectorCounts | undefined;
}

const sweepIntervalMs = 60_000;
/** Time in milliseconds after which the spans of a long invocation are sent before its end. */
const maxUnsentMs = 10_000;

/** Turns the tail events of other Workers into spans, log records and metrics. */
export class Collecting implements InvocationHost {
  readonly clock: Clock;
  readonly counts: CollectorCounts;
  readonly reader: AttributeReader;
  readonly resources: Resources;
  readonly route: RouteOf | undefined;
  readonly metrics: SpanMeasurer | undefined;
  readonly #options: CollectingOptions;
  readonly #pipeline: Pipeline | undefined;
  readonly #traces: Traces | undefined;
  readonly #flush: DelayedFlush | undefined;
  readonly #open = new Map<
    string,
    { readonly invocation: CollectedInvocation; readonly take: TakeEvent }
  >();
  /** The onset that is being read. `redact` and `route` run while it is set. */
  #beginning: Onset | undefined;
  /** Invocations without recent events. For each: when this was noticed, and the number of events at that time. */
  readonly #silent = new Map<
    CollectedInvocation,
    { readonly events: number; readonly sinceUnixMs: number }
  >();
  /** Invocations whose outcome arrived before some of their other events. */
  #incomplete: CollectedInvocation[] = [];
  /** UTF-16 units of attributes of spans that wait to be measured. */
  #unmeasuredUnits = 0;
  #lastSweepUnixMs: number;

  constructor(options: CollectingOptions) {
    const { clock, pipeline, redact } = options;
    this.#options = options;
    this.clock = clock;
    this.counts = options.counts ?? new CollectorCounts();
    this.route = options.route;
    this.metrics = options.metrics;
    this.resources = new Resources(options.resource);
    this.reader = new AttributeReader(
      redact && guardedRedact(redact, this.counts),
      this.counts,
      pipeline?.keptParameters,
    );
    this.#pipeline = pipeline;
    if (pipeline?.takesSpans === true) {
      this.#traces = new Traces(pipeline, this.counts, (span) => this.reader.release(span));
    }
    this.#flush =
      pipeline && new DelayedFlush(pipeline, options.flushDelayMs, () => this.completeAll());
    this.#lastSweepUnixMs = clock();
  }

  /** Number of open spans and of spans that wait for the decision about their trace. */
  get waitingSpans(): number {
    let open = 0;
    for (const { invocation } of this.#open.values()) open += invocation.openSpans;
    return open + (this.#traces?.undecided ?? 0);
  }

  /** Number of invocations that have begun and not ended. */
  get openInvocations(): number {
    return this.#open.size;
  }

  /**
   * Begins to follow an invocation. Never throws.
   *
   * @param waitUntil `waitUntil` of the current invocation. Used if the runtime has no global one.
   * @returns The function that takes the later events. Undefined if the invocation is ignored.
   */
  begin(onset: Onset, waitUntil?: WaitUntil): TakeEvent | undefined {
    const { counts } = this;
    const openedBefore = counts.spans_opened;
    try {
      this.#sweepWhenDue();
      const known = this.#open.get(onset.invocationId);
      const beginning = this.#beginning;
      const isBeginning = beginning !== undefined && beginning.invocationId === onset.invocationId;
      if (known !== undefined || isBeginning) {
        counts.events_repeated += 1;
        return known?.take;
      }
      if (this.#options.ignores(onset)) {
        counts.invocations_ignored += 1;
        return undefined;
      }
      if (this.#open.size >= limits.openInvocations) {
        counts.invocations_refused += 1;
        this.#refuse(onset);
        return (event) => this.#refuse(event);
      }
      counts.invocations += 1;
      const invocation = this.#begun(onset);
      const take: TakeEvent = (event) => {
        try {
          invocation.take(event);
          if (invocation.isOver || event.event.type === "outcome") this.#touch(waitUntil);
          else if (this.#flush?.isOverdue(maxUnsentMs) === true) this.#touch(waitUntil);
        } catch (cause) {
          counts.failed(cause);
        }
      };
      this.#open.set(invocation.id, { invocation, take });
      this.#traces?.begin(invocation.traceId);
      return take;
    } catch (cause) {
      // The onset is malformed. The invocation cannot be followed.
      counts.failed(cause);
      counts.spans_dropped_failed += counts.spans_opened - openedBefore;
      return undefined;
    }
  }

  #begun(onset: Onset): CollectedInvocation {
    const outer = this.#beginning;
    this.#beginning = onset;
    try {
      return new CollectedInvocation(onset, this, this.#samples(onset.spanContext));
    } finally {
      this.#beginning = outer;
    }
  }

  /** Takes a span that has ended. */
  ended(span: CollectedSpan, isSampled: boolean): void {
    if (this.#traces === undefined) {
      this.counts.spans_dropped_no_export += 1;
      this.reader.release(span);
      return;
    }
    try {
      this.#traces.take(span, isSampled);
    } catch (cause) {
      this.counts.failed(cause);
      this.counts.spans_dropped_failed += 1;
      this.reader.release(span);
    }
  }

  logged(log: CollectedLog): void {
    this.counts.logs += 1;
    if (this.#pipeline === undefined) this.counts.logs_dropped += 1;
    else this.#pipeline.addLog(log);
  }

  /** Keeps an ended GenAI span, to measure it together with the other spans of its invocation. */
  measureLater(invocation: CollectedInvocation, span: CollectedSpan): void {
    const { unmeasured } = invocation;
    unmeasured.push(span);
    this.#unmeasuredUnits += span.units;
    const isMuch = this.#unmeasuredUnits > limits.unmeasuredUnits;
    if (isMuch || unmeasured.length >= limits.unmeasuredSpans) this.measureSpans(invocation);
  }

  /** Measures the ended GenAI spans of an invocation. */
  measureSpans(invocation: CollectedInvocation): void {
    const { unmeasured } = invocation;
    if (unmeasured.length === 0) return;
    invocation.unmeasured = [];
    for (const { units } of unmeasured) this.#unmeasuredUnits -= units;
    try {
      this.metrics?.genAi(invocation, unmeasured);
    } catch (cause) {
      this.counts.failed(cause);
    }
  }

  /** Notes that the outcome of an invocation arrived before some of its other events. */
  waitFor(invocation: CollectedInvocation): void {
    // Without an export there is no flush to wait for.
    if (this.#flush === undefined) invocation.skipMissing();
    else this.#incomplete.push(invocation);
  }

  /** Notes that an invocation has ended. */
  over(invocation: CollectedInvocation): void {
    this.#open.delete(invocation.id);
    this.#silent.delete(invocation);
    this.measureSpans(invocation);
    try {
      if (!invocation.isIgnored) this.metrics?.invocation(invocation);
    } catch (cause) {
      this.counts.failed(cause);
    }
    this.#traces?.end(invocation.traceId);
  }

  /** Completes the invocations with missing events. Stops waiting for these events. */
  completeAll(): void {
    const incomplete = this.#incomplete;
    this.#incomplete = [];
    for (const invocation of incomplete) {
      try {
        invocation.skipMissing();
      } catch (cause) {
        this.counts.failed(cause);
      }
    }
    this.#traces?.sweep(this.clock());
    this.#sweepWhenDue();
  }

  /** Sends everything that has ended. Never rejects. */
  async flush(): Promise<void> {
    this.completeAll();
    await this.#pipeline?.flush();
  }

  /** Ends invocations that have had no events for too long. */
  sweep(): void {
    const now = this.clock();
    this.#lastSweepUnixMs = now;
    for (const { invocation } of this.#open.values()) {
      const silent = this.#silent.get(invocation);
      if (silent === undefined || silent.events !== invocation.events) {
        this.#silent.set(invocation, { events: invocation.events, sinceUnixMs: now });
        // No other span is open that may contain these.
        if (invocation.openSpans === 1) this.measureSpans(invocation);
      } else if (now - silent.sinceUnixMs >= idleTimeoutMs) {
        this.counts.invocations_swept += 1;
        try {
          invocation.giveUp();
        } catch (cause) {
          this.counts.failed(cause);
          this.#open.delete(invocation.id);
          this.#silent.delete(invocation);
        }
      }
    }
  }

  #sweepWhenDue(): void {
    if (this.clock() - this.#lastSweepUnixMs >= sweepIntervalMs) this.sweep();
  }

  /** By default, keeps the sampling decision of another process if the trace has one. */
  #samples({ traceId, traceFlags }: TailStream.SpanContext): boolean {
    if (this.#pipeline !== undefined) return this.#pipeline.samples(traceId, traceFlags);
    return traceFlags === undefined || (traceFlags & sampledFlag) !== 0;
  }

  /** Counts the spans of an invocation that is not followed. */
  #refuse({ event }: TailEvent): void {
    if (event?.type !== "onset" && event?.type !== "spanOpen") return;
    this.counts.spans_opened += 1;
    this.counts.spans_dropped_limit += 1;
  }

  #touch(waitUntil: WaitUntil | undefined): void {
    this.#flush?.touch(waitUntil);
    this.#options.onOutcome?.(waitUntil);
  }
}

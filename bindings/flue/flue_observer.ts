import { reportAnswer } from "../trace/thenable.ts";
import { FlueAbi, FlueEnding, flueEndings, flueEvents } from "./abi.gen.ts";
import { type Actions, concernsEvent, nameOf, spanNumber, spanRow } from "./actions.ts";
import { emptyPlan, type FlueAttributes } from "./attributes.ts";
import { type FlueContext, type FlueEvent, readPath } from "./event.ts";
import { flagsOf, readIds } from "./event_ids.ts";
import { failure, failureGenAi, reportSwallowed } from "./failure.ts";
import type { FlueCore, FlueCoreHost } from "./flue_core.ts";
import type { FlueMetrics } from "./flue_metrics.ts";
import { IsoTime } from "./iso_time.ts";
import type { SpanSink } from "./span_sink.ts";
import { SpansByHandle } from "./spans_by_handle.ts";

/**
 * What names the spans of events of version 3 have: those of version 1, or those of OpenTelemetry's conventions for
 * generative AI, as `@flue/opentelemetry` 2 has them.
 */
export type FlueSemconv = "flue" | "gen_ai";

/** What an application decides about Flue's spans. */
export interface FlueCallbacks<Root> {
  /** `"flue"` unless given. Events of version 1 have their own names in any case. */
  readonly semconv?: FlueSemconv | undefined;
  /** Where to place a span that has no parent among Flue's own; undefined for a trace of its own. */
  readonly resolveRootContext?:
    | ((event: FlueEvent, ctx: FlueContext) => Root | undefined)
    | undefined;
  /**
   * What to export of an event's content, out of a shallow copy of the event; undefined for nothing. When it throws,
   * nothing is exported either.
   */
  readonly exportContent?: ((event: FlueEvent) => object | undefined) | undefined;
}

type EventRow = (typeof flueEvents)[number];

const typesByName = new Map<string, number>(flueEvents.map(({ type }, i) => [type, i]));

const noEvent: FlueEvent = { type: "" };

/** Steps taken one after the other in one turn; a callback that observes an event for each event would never end. */
const maxStepsPerTurn = 1_000;

/** One event on its way through the actions the core answered. */
interface Occurrence {
  readonly event: FlueEvent;
  readonly ctx: FlueContext;
  readonly format: number;
  readonly isGenAi: boolean;
  readonly unixMs: number;
  readonly content: object | undefined;
}

/** Reads Flue's events, asks the callbacks, and has a sink do what the core answers. Never throws. */
export class FlueObserver<Span, Root> {
  readonly #host: FlueCoreHost;
  readonly #sink: SpanSink<Span, Root>;
  readonly #callbacks: FlueCallbacks<Root>;
  readonly #now: () => number;
  readonly #metrics: FlueMetrics | undefined;
  readonly #spans = new SpansByHandle<Span>();
  readonly #times = new IsoTime();
  /** Steps that user code asked for while another step was taken. */
  readonly #waiting: (() => void)[] = [];
  #isTakingStep = false;
  #core: FlueCore | undefined;
  #swallowed = 0;

  /**
   * @param now when an event came, in Unix milliseconds.
   * @param metrics are told of every span that opens and ends.
   */
  constructor(
    host: FlueCoreHost,
    sink: SpanSink<Span, Root>,
    callbacks: FlueCallbacks<Root>,
    now: () => number = Date.now,
    metrics?: FlueMetrics,
  ) {
    this.#host = host;
    this.#sink = sink;
    this.#callbacks = callbacks;
    this.#now = now;
    this.#metrics = metrics;
  }

  observe(event: FlueEvent, ctx: FlueContext): void {
    this.#inTurn(() => {
      const type = typesByName.get(event.type);
      if (type !== undefined) this.#take(type, event, ctx);
    });
  }

  /** What the sink made of the open span that an event of this type and identifiers is about. */
  find(type: number, ids: object): Span | undefined {
    return this.#guard(() => {
      const core = this.#liveCore();
      const read = readIds(ids, flueEvents[type]?.ids ?? 0);
      const handle = core && this.#host.attempt(() => core.find(type, read), undefined);
      return handle === undefined ? undefined : this.#spans.get(handle);
    });
  }

  /** Ends every open span as interrupted, now. */
  endAll(): void {
    this.#inTurn(() => {
      const core = this.#liveCore();
      const actions = core && this.#host.attempt(() => core.endAll(), undefined);
      if (actions === undefined) return;
      const unixMs = this.#now();
      for (let at = 0; at < actions.length; at += FlueAbi.opSize) {
        this.#guard(() => this.#terminate(actions, at, unixMs));
      }
    });
  }

  /** Counts of spans that are open, of what was dropped, given up and swallowed. */
  diagnostics(): Readonly<Record<string, number>> {
    return { ...this.#host.counters(), swallowed_errors: this.#swallowed };
  }

  /**
   * Takes a step, or has it wait for the one that is being taken. Getters, callbacks and tracers of the user run between
   * the core's answer and the spans it asks for: an event observed there must find those spans.
   */
  #inTurn(step: () => void): void {
    if (this.#isTakingStep) {
      this.#waiting.push(step);
      return;
    }
    this.#isTakingStep = true;
    this.#guard(step);
    for (let steps = 1; this.#waiting.length > 0; steps += 1) {
      if (steps === maxStepsPerTurn) this.#swallowed += this.#waiting.splice(0).length;
      else this.#guard(this.#waiting.shift() as () => void);
    }
    this.#isTakingStep = false;
  }

  #take(type: number, event: FlueEvent, ctx: FlueContext): void {
    const row = flueEvents[type];
    const core = this.#liveCore();
    if (row === undefined || core === undefined) return;
    const nowMs = this.#now();
    const format = (event.v ?? 1) >= 3 ? FlueAbi.v3 : FlueAbi.v1;
    const isGenAi = format === FlueAbi.v3 && this.#callbacks.semconv === "gen_ai";
    const ids = readIds(event, row.ids);
    const flags = flagsOf(event, isGenAi);
    const actions = this.#host.attempt(() => core.take(type, ids, flags, nowMs), undefined);
    if (actions === undefined || actions.length === 0) return;
    const occurrence: Occurrence = {
      event,
      ctx,
      format,
      isGenAi,
      unixMs: this.#timeOf(event, row, nowMs),
      content: this.#contentOf(event, row, actions),
    };
    for (let at = 0; at < actions.length; at += FlueAbi.opSize) {
      try {
        this.#act(actions, at, occurrence);
      } catch (cause) {
        this.#swallowed += 1;
        reportSwallowed(cause);
      }
    }
  }

  #act(actions: Actions, at: number, occurrence: Occurrence): void {
    const handle = actions[at + FlueAbi.opSpan] ?? 0;
    const verb = actions[at + FlueAbi.opCode];
    if (verb === FlueAbi.open) {
      this.#open(actions, at, handle, occurrence);
    } else if (verb === FlueAbi.log) {
      this.#log(handle, spanNumber(actions, at), occurrence);
    } else if (actions[at + FlueAbi.opEnding] === FlueEnding.ownEvent) {
      this.#end(handle, spanNumber(actions, at), occurrence);
    } else {
      this.#terminate(actions, at, occurrence.unixMs);
    }
  }

  #log(handle: number, number: number, occurrence: Occurrence): void {
    const span = this.#spans.get(handle);
    if (span === undefined) return;
    const attributes = this.#attributes(FlueAbi.log, number, occurrence);
    this.#sink.addEvent(span, "flue.log", occurrence.unixMs, attributes);
  }

  #open(actions: Actions, at: number, handle: number, occurrence: Occurrence): void {
    const { event, ctx, format, unixMs } = occurrence;
    const number = spanNumber(actions, at);
    const row = spanRow(number);
    this.#measureStart(actions, at, handle, occurrence);
    const parent = this.#spans.get(actions[at + FlueAbi.opParent] ?? 0);
    const predecessor = this.#spans.get(actions[at + FlueAbi.opPredecessor] ?? 0);
    const { resolveRootContext } = this.#callbacks;
    const rule = "it has to answer a context or undefined, and a span has none";
    const root =
      parent === undefined
        ? this.#ask("resolveRootContext", rule, () => resolveRootContext?.(event, ctx))
        : undefined;
    const span = this.#sink.open({
      name: nameOf(row, event, format),
      isClient: row.isClient,
      unixMs,
      attributes: this.#attributes(FlueAbi.open, number, occurrence),
      parent,
      root,
      predecessor,
    });
    this.#spans.set(handle, span);
  }

  #measureStart(actions: Actions, at: number, handle: number, occurrence: Occurrence): void {
    const metrics = this.#metrics;
    if (metrics?.isMeasuring !== true) return;
    const { event, unixMs } = occurrence;
    const parent = actions[at + FlueAbi.opParent] ?? 0;
    const { as: type } = spanRow(spanNumber(actions, at));
    this.#guard(() => metrics.opened({ handle, parent, type, event, unixMs }));
  }

  #measureEnd(handle: number, event: FlueEvent | undefined, unixMs: number): void {
    const metrics = this.#metrics;
    if (metrics?.has(handle) === true) this.#guard(() => metrics.ended(handle, event, unixMs));
  }

  #end(handle: number, number: number, occurrence: Occurrence): void {
    this.#measureEnd(handle, occurrence.event, occurrence.unixMs);
    const span = this.#spans.take(handle);
    if (span === undefined) return;
    const { event, content, unixMs, isGenAi } = occurrence;
    const attributes = this.#attributes(FlueAbi.end, number, occurrence);
    if (readPath(event, ["isError"]) !== true) {
      this.#sink.end(span, { unixMs, attributes, failure: undefined, isException: false });
      return;
    }
    const { failure: generic } = spanRow(number);
    const failed = isGenAi ? failureGenAi(event, content) : failure(generic, content);
    this.#sink.end(span, { unixMs, attributes, ...failed });
  }

  #terminate(actions: Actions, at: number, unixMs: number): void {
    const handle = actions[at + FlueAbi.opSpan] ?? 0;
    this.#measureEnd(handle, undefined, unixMs);
    const span = this.#spans.take(handle);
    if (span === undefined) return;
    const number = spanNumber(actions, at);
    const plan = this.#core?.plan(FlueAbi.v3, FlueAbi.interrupt, number) ?? emptyPlan;
    const attributes = plan.read(noEvent, undefined);
    const isTold = spanRow(number).failure !== "";
    const why = isTold ? flueEndings[actions[at + FlueAbi.opEnding] ?? 0] : "";
    this.#sink.end(span, { unixMs, attributes, failure: why, isException: false });
  }

  #attributes(verb: number, number: number, occurrence: Occurrence): FlueAttributes {
    const { event, format, content } = occurrence;
    const plan = this.#core?.plan(format, verb, number) ?? emptyPlan;
    return plan.read(event, content);
  }

  #contentOf(event: FlueEvent, row: EventRow, actions: Actions): object | undefined {
    const { exportContent } = this.#callbacks;
    if (exportContent === undefined || !row.asksForContent) return undefined;
    if (!concernsEvent(actions)) return undefined;
    const rule = "it has to answer an object or undefined, and content is left out";
    const content = this.#ask("exportContent", rule, () => exportContent({ ...event }));
    return typeof content === "object" && content !== null ? content : undefined;
  }

  /** What a callback answers; undefined where it throws, or answers with a promise. */
  #ask<T>(name: string, rule: string, callback: () => T): T | undefined {
    return this.#guard(() => {
      const answer = callback();
      if (!(answer instanceof Promise)) return answer;
      this.#swallowed += 1;
      reportAnswer(name, answer, rule);
      return undefined;
    });
  }

  /** The live core. With one that is gone, its handles are too: the spans they stood for end. */
  #liveCore(): FlueCore | undefined {
    const { instance: core } = this.#host;
    if (this.#core !== undefined && core !== this.#core) this.#abandon();
    this.#core = core;
    return core;
  }

  #abandon(): void {
    const unixMs = this.#now();
    const failure = flueEndings[FlueEnding.disposed];
    this.#guard(() => this.#metrics?.abandon(unixMs));
    for (const span of this.#spans.takeAll()) {
      this.#guard(() =>
        this.#sink.end(span, { unixMs, attributes: {}, failure, isException: false }),
      );
    }
  }

  /** When an event happened, in Unix milliseconds: `nowMs` where it does not say. */
  #timeOf(event: FlueEvent, { timePath }: EventRow, nowMs: number): number {
    const own = this.#times.parse(readPath(event, timePath));
    if (!Number.isNaN(own)) return own;
    const sent = this.#times.parse(event.timestamp);
    return Number.isNaN(sent) ? nowMs : sent;
  }

  #guard<T>(body: () => T): T | undefined {
    try {
      return body();
    } catch (cause) {
      this.#swallowed += 1;
      reportSwallowed(cause);
      return undefined;
    }
  }
}

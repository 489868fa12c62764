import { reportAnswer } from "../base/values.ts";
import { FlueAbi, FlueEnding, flueEndings, flueEvents } from "./abi.gen.ts";
import type { FlueCore, FlueCoreHost } from "./core/flue_core.ts";
import {
  type Actions,
  concernsEvent,
  nameOf,
  SpansByHandle,
  spanNumber,
  spanRow,
} from "./core/span_ops.ts";
import { emptyPlan, type FlueAttributes } from "./events/attributes.ts";
import { type FlueContext, type FlueEvent, readPath } from "./events/event.ts";
import { flagsOf, readIds } from "./events/event_ids.ts";
import { failure, failureGenAi, reportSwallowed } from "./events/failure.ts";
import { exceptionRecord, recoveryRecord, recoveryType, requestOf } from "./events/records.ts";
import type { FlueMetrics } from "./flue_metrics.ts";
import type { SpanSink } from "./sinks/span_sink.ts";

/**
 * The attribute names for events of version 3: the names of version 1, or OpenTelemetry's GenAI conventions as in
 * `@flue/opentelemetry` 2.
 */
export type FlueSemconv = "flue" | "gen_ai";

/** Options of the application for Flue's spans. */
export interface FlueCallbacks<Root> {
  /** Default: `"flue"`. Events of version 1 always have the names of version 1. */
  readonly semconv?: FlueSemconv | undefined;
  /** Returns the context for a span without a parent in Flue. Undefined starts a new trace. */
  readonly resolveRootContext?:
    | ((event: FlueEvent, ctx: FlueContext) => Root | undefined)
    | undefined;
  /**
   * Returns the content of an event to export, from a shallow copy of the event. Undefined exports nothing. If it
   * throws, nothing is exported.
   */
  readonly exportContent?: ((event: FlueEvent) => object | undefined) | undefined;
}

type EventRow = (typeof flueEvents)[number];

const typesByName = new Map<string, number>(flueEvents.map(({ type }, i) => [type, i]));

const noEvent: FlueEvent = { type: "" };

/**
 * Maximum number of consecutive steps. Without it, a callback that causes a new event for each event would run forever.
 */
const maxStepsPerTurn = 1_000;

/** An event whose actions are being executed. */
interface EventContext {
  readonly event: FlueEvent;
  readonly ctx: FlueContext;
  readonly format: number;
  readonly isGenAi: boolean;
  readonly unixMs: number;
  readonly content: object | undefined;
}

/** Reads Flue's events, calls the callbacks, and passes the actions of the core to a sink. Never throws. */
export class FlueObserver<Span, Root> {
  readonly #host: FlueCoreHost;
  readonly #sink: SpanSink<Span, Root>;
  readonly #callbacks: FlueCallbacks<Root>;
  readonly #now: () => number;
  readonly #metrics: FlueMetrics | undefined;
  readonly #spans = new SpansByHandle<Span>();
  /** The requests of model turns, for the record of a failure. */
  readonly #requests = new SpansByHandle<FlueAttributes>();
  readonly #times = new IsoTime();
  /** Steps that user code requested during another step. */
  readonly #waiting: (() => void)[] = [];
  #isTakingStep = false;
  #core: FlueCore | undefined;
  #swallowed = 0;

  /**
   * @param now Returns the arrival time of an event in Unix milliseconds.
   * @param metrics Measures every span.
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
      else if (event.type === recoveryType) this.#recovery(event);
    });
  }

  /** Returns the sink's span for an event of this type with these identifiers. Undefined if none is open. */
  find(type: number, ids: object): Span | undefined {
    return this.#guard(() => {
      const core = this.#liveCore();
      const read = readIds(ids, flueEvents[type]?.ids ?? 0);
      const handle = core && this.#host.attempt(() => core.find(type, read), undefined);
      return handle === undefined ? undefined : this.#spans.get(handle);
    });
  }

  /** Ends all open spans as interrupted at the current time. */
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

  /** Returns the counts of open spans, ignored events, spans that ended early, and swallowed errors. */
  diagnostics(): Readonly<Record<string, number>> {
    return { ...this.#host.counters(), swallowed_errors: this.#swallowed };
  }

  /**
   * Executes a step, or queues it until the current step is over. Getters, callbacks and tracers of the user run
   * between the core's actions and the opening of its spans. An event that they observe must find those spans.
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
    const eventContext: EventContext = {
      event,
      ctx,
      format,
      isGenAi,
      unixMs: this.#timeOf(event, row, nowMs),
      content: this.#contentOf(event, row, actions),
    };
    for (let at = 0; at < actions.length; at += FlueAbi.opSize) {
      try {
        this.#act(actions, at, eventContext);
      } catch (cause) {
        this.#swallowed += 1;
        reportSwallowed(cause);
      }
    }
  }

  #act(actions: Actions, at: number, eventContext: EventContext): void {
    const handle = actions[at + FlueAbi.opSpan] ?? 0;
    const code = actions[at + FlueAbi.opCode];
    if (code === FlueAbi.open) {
      this.#open(actions, at, handle, eventContext);
    } else if (code === FlueAbi.log) {
      this.#log(handle, spanNumber(actions, at), eventContext);
    } else if (actions[at + FlueAbi.opEnding] === FlueEnding.ownEvent) {
      this.#end(handle, spanNumber(actions, at), eventContext);
    } else {
      this.#terminate(actions, at, eventContext.unixMs);
    }
  }

  #recovery(event: FlueEvent): void {
    const sent = this.#times.parse(event.timestamp);
    const record = recoveryRecord(event, Number.isNaN(sent) ? this.#now() : sent);
    this.#sink.emitLog(record, undefined);
  }

  #log(handle: number, number: number, eventContext: EventContext): void {
    const span = this.#spans.get(handle);
    if (span === undefined) return;
    const attributes = this.#attributes(FlueAbi.log, number, eventContext);
    this.#sink.addEvent(span, "flue.log", eventContext.unixMs, attributes);
  }

  #open(actions: Actions, at: number, handle: number, eventContext: EventContext): void {
    const { event, ctx, format, unixMs } = eventContext;
    const number = spanNumber(actions, at);
    const row = spanRow(number);
    this.#measureStart(actions, at, handle, eventContext);
    const parent = this.#spans.get(actions[at + FlueAbi.opParent] ?? 0);
    const predecessor = this.#spans.get(actions[at + FlueAbi.opPredecessor] ?? 0);
    const { resolveRootContext } = this.#callbacks;
    const rule = "it has to return a context or undefined, and a span has no root context";
    const root =
      parent === undefined
        ? this.#ask("resolveRootContext", rule, () => resolveRootContext?.(event, ctx))
        : undefined;
    const attributes = this.#attributes(FlueAbi.open, number, eventContext);
    if (row.isClient && eventContext.isGenAi) this.#requests.set(handle, requestOf(attributes));
    const span = this.#sink.open({
      name: nameOf(row, event, format),
      isClient: row.isClient,
      unixMs,
      attributes,
      parent,
      root,
      predecessor,
    });
    this.#spans.set(handle, span);
  }

  #measureStart(actions: Actions, at: number, handle: number, eventContext: EventContext): void {
    const metrics = this.#metrics;
    if (metrics?.isMeasuring !== true) return;
    const { event, unixMs } = eventContext;
    const parent = actions[at + FlueAbi.opParent] ?? 0;
    const { as: type } = spanRow(spanNumber(actions, at));
    this.#guard(() => metrics.opened({ handle, parent, type, event, unixMs }));
  }

  #measureEnd(handle: number, event: FlueEvent | undefined, unixMs: number): void {
    const metrics = this.#metrics;
    if (metrics?.has(handle) === true) this.#guard(() => metrics.ended(handle, event, unixMs));
  }

  #end(handle: number, number: number, eventContext: EventContext): void {
    this.#measureEnd(handle, eventContext.event, eventContext.unixMs);
    const span = this.#spans.take(handle);
    const request = this.#requests.take(handle);
    if (span === undefined) return;
    const { event, content, unixMs, isGenAi } = eventContext;
    const attributes = this.#attributes(FlueAbi.end, number, eventContext);
    if (readPath(event, ["isError"]) !== true) {
      this.#sink.end(span, { unixMs, attributes, failure: undefined, isException: false });
      return;
    }
    const { failure: generic } = spanRow(number);
    const failed = isGenAi ? failureGenAi(event, content) : failure(generic, content);
    const end = { unixMs, attributes, ...failed };
    const record = request && exceptionRecord(request, end);
    // A logger that throws must not leave the span open.
    if (record !== undefined) this.#guard(() => this.#sink.emitLog(record, span));
    this.#sink.end(span, end);
  }

  #terminate(actions: Actions, at: number, unixMs: number): void {
    const handle = actions[at + FlueAbi.opSpan] ?? 0;
    this.#measureEnd(handle, undefined, unixMs);
    const span = this.#spans.take(handle);
    this.#requests.take(handle);
    if (span === undefined) return;
    const number = spanNumber(actions, at);
    const plan = this.#core?.plan(FlueAbi.v3, FlueAbi.interrupt, number) ?? emptyPlan;
    const attributes = plan.read(noEvent, undefined);
    const hasMessage = spanRow(number).failure !== "";
    const why = hasMessage ? flueEndings[actions[at + FlueAbi.opEnding] ?? 0] : "";
    this.#sink.end(span, { unixMs, attributes, failure: why, isException: false });
  }

  #attributes(code: number, number: number, eventContext: EventContext): FlueAttributes {
    const { event, format, content } = eventContext;
    const plan = this.#core?.plan(format, code, number) ?? emptyPlan;
    return plan.read(event, content);
  }

  #contentOf(event: FlueEvent, row: EventRow, actions: Actions): object | undefined {
    const { exportContent } = this.#callbacks;
    if (exportContent === undefined || !row.asksForContent) return undefined;
    if (!concernsEvent(actions)) return undefined;
    const rule = "it has to return an object or undefined, and content is left out";
    const content = this.#ask("exportContent", rule, () => exportContent({ ...event }));
    return typeof content === "object" && content !== null ? content : undefined;
  }

  /** Returns the result of a callback. Undefined if it throws or returns a promise. */
  #ask<T>(name: string, rule: string, callback: () => T): T | undefined {
    return this.#guard(() => {
      const answer = callback();
      if (!(answer instanceof Promise)) return answer;
      this.#swallowed += 1;
      reportAnswer(name, answer, rule);
      return undefined;
    });
  }

  /**
   * Returns the live core. Ends all spans if the core has been replaced, because their handles belong to the old one.
   */
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
    this.#requests.takeAll();
    for (const span of this.#spans.takeAll()) {
      this.#guard(() =>
        this.#sink.end(span, { unixMs, attributes: {}, failure, isException: false }),
      );
    }
  }

  /** Returns the time of an event in Unix milliseconds. Returns `nowMs` if the event has none. */
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

/** The form `2026-11-20T08:21:07.270Z`: its length, and the positions of seconds and milliseconds. */
const usual = { units: 24, seconds: 17, point: 19, ms: 20, zone: 23 };
const zero = "0".charCodeAt(0);
const point = ".".charCodeAt(0);
const zulu = "Z".charCodeAt(0);

/** Reads the times of events. Most are in the same minute as the previous one. */
export class IsoTime {
  /** The start of dates in the cached minute, as UTF-16 codes. */
  readonly #known = new Uint16Array(usual.seconds);
  #minuteUnixMs = Number.NaN;

  /** Returns the Unix milliseconds of an ISO date. NaN for any other value. */
  parse(date: unknown): number {
    if (typeof date !== "string") return Number.NaN;
    const ms = sinceMinute(date);
    if (ms < 0) return Date.parse(date);
    if (!this.#isKnown(date)) {
      const unixMs = Date.parse(date);
      if (Number.isNaN(unixMs)) return unixMs;
      for (let i = 0; i < usual.seconds; i += 1) this.#known[i] = date.charCodeAt(i);
      this.#minuteUnixMs = unixMs - ms;
    }
    return this.#minuteUnixMs + ms;
  }

  #isKnown(date: string): boolean {
    const known = this.#known;
    // Minutes differ mostly in the last characters.
    let i = usual.seconds - 1;
    while (i >= 0 && date.charCodeAt(i) === known[i]) i -= 1;
    return i < 0;
  }
}

/** Returns the milliseconds since the minute of a date in the usual form. Negative for any other text. */
function sinceMinute(date: string): number {
  if (date.length !== usual.units || date.charCodeAt(usual.zone) !== zulu) return -1;
  if (date.charCodeAt(usual.point) !== point) return -1;
  const tens = date.charCodeAt(usual.seconds) - zero;
  const ones = date.charCodeAt(usual.seconds + 1) - zero;
  const hundreds = date.charCodeAt(usual.ms) - zero;
  const tenths = date.charCodeAt(usual.ms + 1) - zero;
  const last = date.charCodeAt(usual.ms + 2) - zero;
  // Checks that each digit is 0 to 9, and the first one 0 to 5.
  const outside =
    tens | (5 - tens) | ones | (9 - ones) | hundreds | (9 - hundreds) | tenths | (9 - tenths);
  if ((outside | last | (9 - last)) < 0) return -1;
  return 10_000 * tens + 1_000 * ones + 100 * hundreds + 10 * tenths + last;
}

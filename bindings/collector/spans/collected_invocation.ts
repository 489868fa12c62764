import { maskSecrets } from "../../base/address.ts";
import type { ResourceAttributes } from "../../otlp/core/encoder.ts";
import { StatusCode, sampledFlag } from "../../otlp/core/model.ts";
import { flushMethod } from "../../trace/flush_method.ts";
import { applyEvent } from "./apply_event.ts";
import { CollectedSpan } from "./collected_span.ts";
import type { CollectorCounts } from "./counts.ts";
import { limits } from "./counts.ts";
import { type CollectedLog, collectedLog } from "./log_record.ts";
import {
  type OnsetSpan,
  onsetSpan,
  type RouteOf,
  rootAttributes,
  rootName,
  rpcMethod,
} from "./onset_span.ts";
import { OpenSpans } from "./open_spans.ts";
import type { AttributeReader } from "./read_attributes.ts";
import type { Resources } from "./resources.ts";
import { Sequencer } from "./sequencer.ts";
import { kindOf, operationOf } from "./span_kinds.ts";

type Event<T extends TailStream.EventType = TailStream.EventType> = TailStream.TailEvent<T>;

/** Marks a span whose end was not received. */
const truncatedKey = "isotel.span.truncated";
/** Number of events of an invocation that the runtime dropped. */
const lostEventsKey = "isotel.tail.dropped_events";

/** Measures ended invocations and GenAI spans. */
export interface SpanMeasurer {
  /** Measures an ended invocation. */
  invocation(invocation: CollectedInvocation): void;
  /** Measures ended GenAI spans. Spans that were opened inside each other are passed together. */
  genAi(invocation: CollectedInvocation, spans: readonly CollectedSpan[]): void;
}

/** The collector, as far as an invocation needs it. */
export interface InvocationHost {
  readonly counts: CollectorCounts;
  readonly reader: AttributeReader;
  readonly resources: Resources;
  readonly route: RouteOf | undefined;
  /** The measurer. Undefined if nothing is measured. */
  readonly metrics: object | undefined;
  /** Notes that the outcome arrived before some other events of the invocation. */
  waitFor(invocation: CollectedInvocation): void;
  /** Keeps an ended GenAI span, to measure it together with the other spans of its invocation. */
  measureLater(invocation: CollectedInvocation, span: CollectedSpan): void;
  /** Takes a span that has ended. */
  ended(span: CollectedSpan, isSampled: boolean): void;
  logged(log: CollectedLog): void;
  /** Notes that the invocation has ended. */
  over(invocation: CollectedInvocation): void;
}

/** One invocation of another Worker, with its open spans until its outcome. */
export class CollectedInvocation {
  readonly id: string;
  readonly traceId: string;
  readonly root: CollectedSpan;
  readonly onset: OnsetSpan;
  readonly resource: ResourceAttributes;
  /** Status of its HTTP response. 0 if there is none. */
  statusCode = 0;
  /** `ok`, or the reason why it ended. Empty while it runs. */
  outcome = "";
  /** CPU time in milliseconds. Undefined if unknown. */
  cpuMs: number | undefined;
  /** Number of events, for the detection of silent invocations. */
  events = 1;
  /** Time at which its handler responded. 0 before that. */
  answeredUnixMs = 0;
  /**
   * Ended GenAI spans. They are measured together after the invocation has reported whether it measured them itself.
   */
  unmeasured: CollectedSpan[] = [];
  readonly #host: InvocationHost;
  readonly #sequencer: Sequencer;
  readonly #isSampled: boolean;
  readonly #open = new OpenSpans();
  /** The span of the last event. The next event usually belongs to it too. */
  #last: CollectedSpan;
  /** Number of refused spans whose end has not arrived. */
  #refused = 0;
  #lostEvents = 0;
  #isOver = false;
  #isIgnored = false;
  #lastUnixMs: number;

  /** @param event The onset. */
  constructor(event: Event<TailStream.Onset>, host: InvocationHost, isSampled: boolean) {
    const { spanContext, event: onset } = event;
    const unixMs = event.timestamp.getTime();
    this.id = event.invocationId;
    this.traceId = spanContext.traceId;
    this.#host = host;
    this.#isSampled = isSampled;
    this.resource = host.resources.of(onset);
    this.onset = onsetSpan(onset, host.route);
    this.#sequencer = new Sequencer(event.sequence, host.counts, (next) => this.#apply(next));
    this.#lastUnixMs = unixMs;
    const parent = spanContext.spanId ?? "";
    const isRemote = parent !== "";
    this.root = this.#newSpan(this.onset.name, onset.spanId, parent, undefined, isRemote, unixMs);
    this.root.kind = this.onset.kind;
    this.#last = this.root;
    host.reader.read(this.root, rootAttributes(onset, this.onset, this.id));
    if (onset.attributes !== undefined) host.reader.read(this.root, onset.attributes);
    this.#open.add(this.root);
  }

  /** Whether the outcome and all events before it have been applied. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether it only waited to send metrics. Its spans are neither exported nor measured, unlike its logs. */
  get isIgnored(): boolean {
    return this.#isIgnored;
  }

  get openSpans(): number {
    return this.#open.size;
  }

  /** Takes an event. */
  take(event: Event): void {
    this.events += 1;
    this.#sequencer.take(event);
    // Only late events can follow an outcome. They are awaited until the next flush.
    if (event.event.type === "outcome" && !this.#isOver) this.#host.waitFor(this);
  }

  /** Applies the events that wait for missing ones. Stops waiting for those. */
  skipMissing(): void {
    this.#sequencer.giveUp();
  }

  /** Ends the invocation with the data so far. */
  giveUp(): void {
    this.#sequencer.giveUp();
    if (this.#isOver) return;
    if (this.#isIgnored) this.#over();
    else this.#end("unknown", this.#lastUnixMs, true);
  }

  #apply(event: Event): void {
    const host = this.#host;
    const { counts, reader } = host;
    const { spanId } = event.spanContext;
    const what = event.event;
    if (this.#isOver) {
      if (what.type === "spanOpen") {
        counts.spans_opened += 1;
        counts.spans_dropped_late += 1;
      } else counts.events_unmatched += 1;
      return;
    }
    if (this.#isIgnored && what.type !== "log") {
      if (what.type === "outcome") this.#over();
      return;
    }
    const last = this.#last;
    const span = last.spanId === spanId && last.isOpen ? last : this.#open.get(spanId ?? "");
    switch (what.type) {
      case "spanOpen":
        this.#openSpan(event as Event<TailStream.SpanOpen>, span);
        return;
      case "attributes":
      case "spanUpdate":
      case "exception":
        if (span === undefined) counts.events_unmatched += 1;
        else applyEvent(span, what, event.timestamp, reader, counts);
        if (span === this.root && rpcMethod(span.attributes, this.onset) === flushMethod) {
          this.#ignore();
        }
        return;
      case "spanClose":
        if (span !== undefined && span !== this.root) {
          if (what.outcome !== "ok") span.fail(what.outcome);
          this.#lastUnixMs = event.timestamp.getTime();
          this.#closeSpan(span, this.#lastUnixMs);
        } else this.#closeUnopened();
        return;
      case "log":
        this.#log(what, span, event);
        return;
      case "return":
        this.answeredUnixMs = event.timestamp.getTime();
        if (what.info?.type === "fetch") this.statusCode = what.info.statusCode;
        return;
      case "streamDiagnostic":
        this.#lostEvents += Number(what.diagnostic.count);
        counts.events_lost += Number(what.diagnostic.count);
        return;
      case "outcome":
        this.cpuMs = Number(what.cpuTime);
        this.root.set("cloudflare.cpu_time_ms", this.cpuMs);
        this.root.set("cloudflare.wall_time_ms", Number(what.wallTime));
        this.#end(what.outcome, event.timestamp.getTime(), false);
        return;
    }
  }

  /** Forgets the spans so far. */
  #ignore(): void {
    const { counts, reader } = this.#host;
    this.#isIgnored = true;
    counts.invocations -= 1;
    counts.invocations_ignored += 1;
    for (const span of this.#open.all()) {
      counts.spans_opened -= 1;
      reader.release(span);
      this.#open.delete(span);
    }
  }

  #over(): void {
    this.#isOver = true;
    this.#host.over(this);
  }

  #openSpan(event: Event<TailStream.SpanOpen>, parent: CollectedSpan | undefined): void {
    const { name, spanId, info } = event.event;
    if (typeof name !== "string" || typeof spanId !== "string")
      throw new TypeError("isotel: the spanOpen event has no name or no span id");
    const { counts, reader } = this.#host;
    if (this.#open.get(spanId) !== undefined) {
      counts.events_repeated += 1;
      return;
    }
    if (this.#open.size >= limits.openSpans) {
      counts.spans_opened += 1;
      counts.spans_dropped_limit += 1;
      this.#refused += 1;
      return;
    }
    const parentId = event.spanContext.spanId ?? "";
    this.#lastUnixMs = event.timestamp.getTime();
    const span = this.#newSpan(name, spanId, parentId, parent, false, this.#lastUnixMs);
    this.#open.add(span);
    this.#last = span;
    if (info === undefined) return;
    if (info.type === "attributes") reader.read(span, info.info);
    else if (info.type === "fetch") {
      const { method, url } = info;
      reader.read(span, [
        { name: "http.request.method", value: method },
        { name: "url.full", value: url },
      ]);
    }
  }

  #newSpan(
    name: string,
    spanId: string,
    parentSpanId: string,
    parent: CollectedSpan | undefined,
    isParentRemote: boolean,
    unixMs: number,
  ): CollectedSpan {
    this.#host.counts.spans_opened += 1;
    const flags = this.#isSampled ? sampledFlag : 0;
    return new CollectedSpan(
      maskSecrets(name),
      this.traceId,
      spanId,
      parentSpanId,
      parent,
      isParentRemote,
      flags,
      unixMs,
      this.resource,
    );
  }

  /** Counts a span whose opening was missing or refused. */
  #closeUnopened(): void {
    if (this.#refused > 0) {
      this.#refused -= 1;
      return;
    }
    const { counts } = this.#host;
    counts.spans_opened += 1;
    counts.spans_dropped_unopened += 1;
  }

  #closeSpan(span: CollectedSpan, unixMs: number): void {
    const host = this.#host;
    this.#open.delete(span);
    span.isOpen = false;
    span.endUnixMs = Math.max(unixMs, span.startUnixMs);
    if (span !== this.root) span.kind = kindOf(span);
    if (span.errorType !== "" && span.status.code === StatusCode.unset)
      span.setStatus(StatusCode.error, "");
    if (host.metrics !== undefined && span.operation !== "" && operationOf(span) > 0) {
      host.measureLater(this, span);
    }
    host.ended(span, this.#isSampled);
  }

  #log(log: TailStream.Log, span: CollectedSpan | undefined, event: Event): void {
    const host = this.#host;
    const about = span ?? this.root;
    host.logged(
      collectedLog(
        log,
        event.timestamp.getTime(),
        this.traceId,
        event.spanContext.spanId ?? "",
        about.flags,
        this.resource,
        (key, value) => host.reader.text(key, value, about),
      ),
    );
  }

  #end(outcome: string, unixMs: number, isTruncated: boolean): void {
    const { root } = this;
    this.outcome = outcome;
    for (const span of this.#open.all().reverse()) {
      if (span !== root) this.#truncate(span, unixMs);
    }
    if (isTruncated) {
      root.set(truncatedKey, true);
      this.#host.counts.spans_truncated += 1;
    }
    if (this.#lostEvents > 0) root.set(lostEventsKey, this.#lostEvents);
    if (!isTruncated) root.set("cloudflare.outcome", outcome);
    if (this.statusCode > 0) {
      root.set("http.response.status_code", this.statusCode);
      if (this.statusCode >= 500) root.fail(String(this.statusCode));
    }
    if (outcome !== "ok" && !isTruncated) root.fail(outcome);
    if (!root.isRenamed) root.name = rootName(root, this.onset);
    this.#closeSpan(root, unixMs);
    this.#over();
  }

  #truncate(span: CollectedSpan, unixMs: number): void {
    span.set(truncatedKey, true);
    this.#host.counts.spans_truncated += 1;
    this.#closeSpan(span, unixMs);
  }
}

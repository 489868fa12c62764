import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Collecting } from "../../../bindings/collector/collecting.ts";
import type { CollectorOptions } from "../../../bindings/collector/read_options.ts";
import { readCollectorOptions } from "../../../bindings/collector/read_options.ts";
import type { SpanMeasurer } from "../../../bindings/collector/spans/collected_invocation.ts";
import type { CollectedSpan } from "../../../bindings/collector/spans/collected_span.ts";
import { CollectorCounts } from "../../../bindings/collector/spans/counts.ts";
import { systemEnvironment } from "../../../bindings/otlp/pipeline/make_pipeline.ts";
import type { OtlpOptions } from "../../../bindings/otlp/pipeline/options.ts";
import type { Pipeline } from "../../../bindings/otlp/pipeline/pipeline.ts";
import type { Receiver } from "../../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../../otlp_receiver/requests.ts";

export type TailEvent = TailStream.TailEvent<TailStream.EventType>;
type Onset = TailStream.TailEvent<TailStream.Onset>;

/** A collector whose spans go to a receiver. */
export interface CollectingTo {
  readonly collecting: Collecting;
  readonly pipeline: Pipeline;
  readonly counts: CollectorCounts;
  readonly reports: readonly string[];
  /** Milliseconds since the epoch; only this moves it. */
  readonly clock: { now: number };
  /** What was given to `waitUntil`. */
  readonly held: Promise<unknown>[];
  /** Sends what waits, and gives the spans that arrived since the last call. */
  spans(): Promise<readonly ReceivedItem[]>;
  /** The same of log records. */
  logs(): Promise<readonly ReceivedItem[]>;
}

export interface CollectingMore {
  readonly metrics?: SpanMeasurer;
  readonly ignores?: (onset: TailStream.TailEvent<TailStream.Onset>) => boolean;
}

/** @param receiver undefined for a backend that nothing is ever sent to. */
export function collectingTo(
  receiver: Receiver | undefined,
  { otlp, ...options }: Omit<CollectorOptions, "otlp"> & { otlp?: Partial<OtlpOptions> } = {},
  { metrics, ignores = () => false }: CollectingMore = {},
): CollectingTo {
  const clock = { now: 1_700_000_000_000 };
  const held: Promise<unknown>[] = [];
  const reports: string[] = [];
  const system = systemEnvironment(
    () => clock.now,
    (work) => void held.push(work),
  );
  const never = { over: new Promise<void>(() => {}), cancel: () => {} };
  const environment = receiver === undefined ? { ...system, sleep: () => never } : system;
  const endpoint = receiver?.url ?? "http://127.0.0.1:9";
  const to = { backend: "custom", endpoint, format: "json", serviceName: "local" };
  const plan = readCollectorOptions(
    () => ({ ...options, otlp: { ...to, ...otlp } as OtlpOptions }),
    {},
    environment,
    (message) => reports.push(message),
  );
  const { pipeline, resource, flushDelayMs } = plan;
  if (pipeline === undefined) throw new Error(reports.join("\n"));
  const counts = new CollectorCounts();
  const collecting = new Collecting({
    clock: () => clock.now,
    pipeline,
    resource,
    metrics,
    redact: options.redact,
    route: options.metrics?.route ?? otlp?.route,
    ignores,
    flushDelayMs,
    counts,
  });
  const arrived = async (path: string): Promise<readonly ReceivedItem[]> => {
    await collecting.flush();
    if (receiver === undefined) return [];
    const sent = receiver.requests.filter((request) => request.path.endsWith(path));
    receiver.requests.splice(
      0,
      Number.POSITIVE_INFINITY,
      ...receiver.requests.filter((request) => !request.path.endsWith(path)),
    );
    return sent.flatMap(({ items }) => items);
  };
  return {
    collecting,
    pipeline,
    counts,
    reports,
    clock,
    held,
    spans: () => arrived("/traces"),
    logs: () => arrived("/logs"),
  };
}

/** Every span it was told of has to be somewhere. */
export function assertAccounted({ collecting, counts, pipeline }: CollectingTo): void {
  const dropped = Object.entries(counts).filter(([name]) => name.startsWith("spans_dropped_"));
  const sum = dropped.reduce((total, [, count]) => total + (count as number), 0);
  const { spans_opened, spans_exported, spans_sampled_out } = counts;
  const waiting = collecting.waitingSpans;
  assert.equal(spans_exported + spans_sampled_out + sum + waiting, spans_opened);
  const traces = pipeline.counts().find(({ signal }) => signal === "traces");
  assert.equal(traces?.made, spans_exported);
  assert.equal(counts.failures, 0);
}

/** The spans a collector hands on from now on, as they are. */
export function handedOn({ pipeline }: CollectingTo): CollectedSpan[] {
  const spans: CollectedSpan[] = [];
  const addSpan = pipeline.addSpan.bind(pipeline);
  pipeline.addSpan = (span, isKept) => {
    if (isKept) spans.push(span as CollectedSpan);
    addSpan(span, isKept);
  };
  return spans;
}

/** Gives events to a collector as the runtime would: each invocation's to what its onset was answered with. */
export function play(collecting: Collecting, events: readonly TailEvent[]): void {
  const handlers = new Map<string, (event: TailEvent) => void>();
  for (const event of events) {
    if (event.event.type === "onset") {
      const take = collecting.begin(event as Onset);
      if (take !== undefined) handlers.set(event.invocationId, take);
    } else handlers.get(event.invocationId)?.(event);
  }
}

/** The streams in tests/unit/collector/data, as workerd made them. */
export const streamNames = ["spans", "object", "queue", "exception", "ai"] as const;

export function recordedStream(name: (typeof streamNames)[number]): TailEvent[] {
  const path = join(import.meta.dirname, `../collector/data/${name}.json`);
  return JSON.parse(readFileSync(path, "utf8"), (key, value: unknown) => {
    if (key === "timestamp" || key === "scheduledTime") return new Date(value as string);
    const integer = (value as { $bigint?: string } | null)?.$bigint;
    return integer === undefined ? value : BigInt(integer);
  }) as TailEvent[];
}

let made = 0;

/** An id that no other call gives: a kind, zeros and a number. Padded with the kind, 1 and 11 would be equal for "1". */
function idOf(kind: "a" | "b" | "c", digits: 16 | 32): string {
  return `${kind}${made.toString(16).padStart(digits - 1, "0")}`;
}

/** Events of one invocation, each with the number after that of the one before. */
export class MadeInvocation {
  readonly events: TailEvent[] = [];
  readonly rootId: string;
  readonly #traceId: string;
  readonly #invocationId: string;
  #unixMs = 1_700_000_000_000;

  constructor(
    onset: Partial<TailStream.Onset> = {},
    context: Partial<TailStream.SpanContext> = {},
  ) {
    made += 1;
    this.rootId = idOf("a", 16);
    this.#traceId = context.traceId ?? idOf("b", 32);
    this.#invocationId = `invocation ${made}`;
    const info = { type: "custom" } as const;
    const whole = { executionModel: "stateless", scriptName: "shop", info, ...onset };
    const event = { type: "onset", spanId: this.rootId, ...whole } as const;
    this.#push(event, { traceId: this.#traceId, ...context });
  }

  get onset(): Onset {
    return this.events[0] as Onset;
  }

  /** An event about a span; about the invocation's own unless given. */
  event(event: TailStream.EventType, spanId: string = this.rootId): this {
    this.#push(event, { traceId: this.#traceId, spanId });
    return this;
  }

  /** A span with attributes, from its opening to its end. */
  span(
    name: string,
    attributes: Readonly<Record<string, TailStream.Attribute["value"]>> = {},
    {
      parent = this.rootId,
      inside = () => {},
    }: { parent?: string; inside?: (id: string) => void } = {},
  ): this {
    const spanId = this.open(name, parent);
    inside(spanId);
    this.attributes(attributes, spanId);
    return this.event({ type: "spanClose", outcome: "ok" }, spanId);
  }

  open(name: string, parent: string = this.rootId): string {
    made += 1;
    const spanId = idOf("c", 16);
    this.event({ type: "spanOpen", name, spanId }, parent);
    return spanId;
  }

  attributes(
    attributes: Readonly<Record<string, TailStream.Attribute["value"]>>,
    spanId: string = this.rootId,
  ): this {
    const info = Object.entries(attributes).map(([name, value]) => ({ name, value }));
    return info.length === 0 ? this : this.event({ type: "attributes", info }, spanId);
  }

  outcome(outcome: TailStream.EventOutcome = "ok"): this {
    return this.event({ type: "outcome", outcome, cpuTime: 3, wallTime: 12 });
  }

  #push(event: TailStream.EventType, spanContext: TailStream.SpanContext): void {
    this.#unixMs += 1;
    const { events } = this;
    const timestamp = new Date(this.#unixMs);
    events.push({
      invocationId: this.#invocationId,
      spanContext,
      timestamp,
      sequence: events.length,
      event,
    });
  }
}

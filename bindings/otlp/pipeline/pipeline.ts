import type { KeptParameters } from "../../base/address.ts";
import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import type { Clock, Sleep, WaitUntil } from "../../base/time.ts";
import type { Backend, BackendName, Signal } from "../backends/backend.ts";
import type { AttributeList, FinishedSpan, LogRecord } from "../core/model.ts";
import type { SenderOptions } from "../exporter/sender.ts";
import { type Encode, SignalExporter } from "../exporter/signal_exporter.ts";
import type { ExportCounts } from "../exporter/tally.ts";
import type { ExportOptions } from "./options.ts";
import type { TailDecision } from "./sampling.ts";

/** What a pipeline is made of. */
export interface PipelineOptions extends Omit<SenderOptions, "sleep"> {
  readonly backends: readonly Backend[];
  readonly settings: ExportOptions;
  readonly keptParameters: KeptParameters;
  readonly encodeSpans: Encode<FinishedSpan>;
  readonly encodeLogs: Encode<LogRecord>;
  /** Whether a trace that begins here is recorded. */
  readonly samples: (traceId: string) => boolean;
  readonly tail: TailDecision | undefined;
  readonly sleep: (ms: number) => Sleep;
  /** That of the runtime for whatever invocation is running; undefined where it has none. */
  readonly waitUntil: WaitUntil | undefined;
  /** Spans, and log records, that wait at most for each backend; 2,048 unless given. */
  readonly maxQueued?: number | undefined;
}

/** What one backend has taken of one signal. */
export interface BackendCounts extends ExportCounts {
  readonly backend: BackendName;
  readonly signal: Signal;
}

/** Spans that wait for a decision whether their trace is kept. */
export interface UndecidedSpans {
  /** Decides now, and hands over the spans that are kept. */
  decide(): void;
}

/** The runtime lets an invocation go on for 30 s after its response. */
const flushMs = 25_000;
/** Spans of traces not decided on, in the whole isolate. */
const maxUndecided = 2_048;
/** A trace that has been waiting so long belongs to an invocation that was ended. */
const undecidedTimeoutMs = 60_000;
/** Full batches are sent before the invocation ends, unless so many flushes are under way. */
const maxEarlyFlushes = 4;

/** From finished spans and log records to the backends. */
export class Pipeline {
  readonly settings: ExportOptions;
  /** Parameters that stay in the addresses of spans and log records. */
  readonly keptParameters: KeptParameters;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Sleep;
  readonly samples: (traceId: string) => boolean;
  readonly tail: TailDecision | undefined;
  readonly #options: PipelineOptions;
  readonly #spans: SignalExporter<FinishedSpan>[] = [];
  readonly #logs: SignalExporter<LogRecord>[] = [];
  readonly #exporters: { backend: BackendName; signal: Signal; exporter: Exporter }[] = [];
  /** Groups with spans that wait for a decision, and since when. */
  readonly #undecided = new Map<UndecidedSpans, { spans: number; readonly sinceUnixMs: number }>();
  #undecidedSpans = 0;
  #sampledOut = 0;
  #failures = 0;
  #flushes = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.settings = options.settings;
    this.keptParameters = options.keptParameters;
    this.clock = options.clock;
    this.sleep = options.sleep;
    this.samples = options.samples;
    this.tail = options.tail;
    const sending: SenderOptions = { ...options, sleep: (ms) => options.sleep(ms).over };
    const { maxQueued } = options;
    for (const { name, destinations } of options.backends) {
      const { traces, logs } = destinations;
      if (traces !== undefined) {
        const exporter = new SignalExporter(traces, options.encodeSpans, sending, maxQueued);
        this.#spans.push(exporter);
        this.#exporters.push({ backend: name, signal: "traces", exporter });
      }
      if (logs !== undefined) {
        const exporter = new SignalExporter(logs, options.encodeLogs, sending, maxQueued);
        this.#logs.push(exporter);
        this.#exporters.push({ backend: name, signal: "logs", exporter });
      }
    }
  }

  /** Whether any backend takes spans. */
  get takesSpans(): boolean {
    return this.#spans.length > 0;
  }

  /** Whether a flush would send something. */
  get hasWork(): boolean {
    return this.#exporters.some(({ exporter }) => !exporter.isEmpty);
  }

  /** Whether spans or records should be sent before the invocation ends. */
  get isBatchFull(): boolean {
    return (
      this.#flushes < maxEarlyFlushes &&
      this.#exporters.some(({ exporter }) => exporter.isBatchFull)
    );
  }

  addSpan(span: FinishedSpan, isKept: boolean): void {
    if (!isKept) {
      this.#sampledOut += 1;
      return;
    }
    const size = spanSize(span);
    for (const exporter of this.#spans) exporter.add(span, size);
  }

  addLog(record: LogRecord): void {
    const size = logSize(record);
    for (const exporter of this.#logs) exporter.add(record, size);
  }

  /** Notes that a group holds one span more that waits for a decision. */
  undecided(group: UndecidedSpans): void {
    const known = this.#undecided.get(group);
    if (known === undefined) this.#undecided.set(group, { spans: 1, sinceUnixMs: this.clock() });
    else known.spans += 1;
    this.#undecidedSpans += 1;
    if (this.#undecidedSpans > maxUndecided) this.#decideOldest();
  }

  /** Notes that nothing of a group waits any more. */
  decided(group: UndecidedSpans): void {
    this.#undecidedSpans -= this.#undecided.get(group)?.spans ?? 0;
    this.#undecided.delete(group);
  }

  /** Sends all that waits, to each backend. Never rejects. */
  async flush(): Promise<void> {
    const now = this.clock();
    for (const [group, { sinceUnixMs }] of this.#undecided) {
      if (now - sinceUnixMs <= undecidedTimeoutMs) break;
      group.decide();
    }
    this.#flushes += 1;
    try {
      await Promise.all(this.#exporters.map(({ exporter }) => exporter.flush(now + flushMs)));
    } catch (cause) {
      this.countFailure(cause);
    } finally {
      this.#flushes -= 1;
    }
  }

  /** The same, once all that is made at this moment is there. */
  async flushSoon(): Promise<void> {
    try {
      await this.sleep(0).over;
    } catch {
      // No timers while modules are loaded: the first invocation sends what there is.
      return;
    }
    await this.flush();
  }

  /** Keeps the invocation alive for work that never rejects. */
  hold(work: Promise<unknown>, waitUntil: WaitUntil | undefined): void {
    // The runtime's own knows which invocation is running, and holds no scope of ours.
    const hold = this.#options.waitUntil ?? waitUntil;
    try {
      hold?.(work);
    } catch {
      // No invocation to hold on to: the work goes on as long as the runtime lets it.
    }
  }

  /** Notes an error of ours that was kept from the program. Logged once for each type. */
  countFailure(cause: unknown): void {
    this.#failures += 1;
    reportOnce(
      `isotel: the export failed (${errorType(cause)}); spans or log records are missing.`,
    );
  }

  counts(): BackendCounts[] {
    return this.#exporters.map(({ backend, signal, exporter }) => ({
      backend,
      signal,
      ...exporter.counts(),
    }));
  }

  /** Sums over the backends, by name. */
  diagnostics(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {
      otlp_failures: this.#failures,
      otlp_sampled_out: this.#sampledOut,
      otlp_undecided: this.#undecidedSpans,
    };
    const add = (name: string, count: number) => {
      sums[name] = (sums[name] ?? 0) + count;
    };
    for (const { made, accepted, queued, sending, dropped, requests } of this.counts()) {
      add("otlp_made", made);
      add("otlp_accepted", accepted);
      add("otlp_queued", queued);
      add("otlp_sending", sending);
      add("otlp_requests", requests);
      for (const [reason, count] of Object.entries(dropped)) add(`otlp_dropped_${reason}`, count);
    }
    return sums;
  }

  #decideOldest(): void {
    const [oldest] = this.#undecided.keys();
    oldest?.decide();
  }
}

type Exporter = Pick<
  SignalExporter<unknown>,
  "isEmpty" | "isBatchFull" | "flush" | "counts" | "destination"
>;

/** UTF-16 units of a span's texts, and the bytes of its binary values: never more than the bytes it takes encoded. */
export function spanSize({ name, attributes, events, links }: FinishedSpan): number {
  let size = name.length + attributesSize(attributes);
  for (const event of events) size += event.name.length + attributesSize(event.attributes);
  for (const link of links) size += attributesSize(link.attributes);
  return size;
}

export function logSize({ body, attributes, eventName }: LogRecord): number {
  return eventName.length + valueSize(body) + attributesSize(attributes);
}

function attributesSize({ keys, values }: AttributeList): number {
  let size = 0;
  for (let i = 0; i < keys.length; i += 1) {
    const value = values[i];
    // What has no value is left out with its key.
    if (value === undefined) continue;
    size += (keys[i] as string).length;
    size += typeof value === "string" ? value.length : valueSize(value);
  }
  return size;
}

function valueSize(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return value.byteLength;
  if (!Array.isArray(value)) return 0;
  let size = 0;
  // No deeper: a list may contain itself.
  for (const item of value as readonly unknown[])
    size += typeof item === "string" ? item.length : 0;
  return size;
}

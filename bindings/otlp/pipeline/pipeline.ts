import type { KeptParameters } from "../../base/address.ts";
import { errorType } from "../../base/cause.ts";
import { outsideSpans } from "../../base/outside_spans.ts";
import { reportOnce } from "../../base/report_once.ts";
import type { Clock, Sleep, WaitUntil } from "../../base/time.ts";
import type { Backend, BackendName, Destination, Signal } from "../backends/backend.ts";
import type { AttributeList, FinishedSpan, LogRecord } from "../core/model.ts";
import { Circuit } from "../exporter/circuit.ts";
import type { SenderOptions } from "../exporter/sender.ts";
import { type Encode, SignalExporter } from "../exporter/signal_exporter.ts";
import type { ExportCounts } from "../exporter/tally.ts";
import type { EndedGroup, ExportOptions, SpanExporter, SpanSink } from "./options.ts";
import type { TailDecision } from "./sampling.ts";

/** Options of a {@link Pipeline}. */
export interface PipelineOptions extends Omit<SenderOptions, "sleep"> {
  readonly backends: readonly Backend[];
  /** Backends in the isolate. Default: none. */
  readonly exporters?: readonly SpanExporter[];
  /** The circuits of the isolate by destination. Pipelines with the same destination share its circuit. */
  readonly circuits: Map<string, Circuit>;
  /** Milliseconds for which a flush may hold its invocation. */
  readonly exportTimeoutMs: number;
  readonly settings: ExportOptions;
  readonly keptParameters: KeptParameters;
  readonly encodeSpans: Encode<FinishedSpan>;
  readonly encodeLogs: Encode<LogRecord>;
  /** Whether to record a trace. `parentFlags` has the decision of the process that began it. */
  readonly samples: (traceId: string, parentFlags?: number) => boolean;
  readonly tail: TailDecision | undefined;
  readonly sleep: (ms: number) => Sleep;
  /** `waitUntil` of the runtime for the current invocation. Undefined if the runtime has none. */
  readonly waitUntil: WaitUntil | undefined;
  /** Maximum number of spans, and of log records, that wait for each backend. Default: 2,048. */
  readonly maxQueued?: number | undefined;
}

/** Counts of one signal at one backend. */
export interface BackendCounts extends ExportCounts {
  readonly backend: BackendName | "console";
  readonly signal: Signal;
}

/** Spans that wait for the tail sampling decision of their trace. */
export interface UndecidedSpans {
  /** Decides now and passes the kept spans on. */
  decide(): void;
}

/** Maximum number of spans without a decision in the isolate. */
const maxUndecided = 2_048;
/** A trace that waits for longer belongs to an invocation that the runtime ended. */
const undecidedTimeoutMs = 60_000;
/** Full batches are sent before the invocation ends, up to this number of concurrent flushes. */
const maxEarlyFlushes = 4;

/** Passes finished spans and log records to the backends. */
export class Pipeline {
  readonly settings: ExportOptions;
  /** Query parameters that stay in URLs of spans and log records. */
  readonly keptParameters: KeptParameters;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Sleep;
  readonly samples: (traceId: string, parentFlags?: number) => boolean;
  readonly tail: TailDecision | undefined;
  readonly #options: PipelineOptions;
  readonly #spans: SpanSink[] = [];
  readonly #logs: SignalExporter<LogRecord>[] = [];
  readonly #exporters: { backend: BackendCounts["backend"]; signal: Signal; exporter: Exporter }[] =
    [];
  /** Groups with undecided spans: the number of spans, and the time since which they wait. */
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
    for (const { name, destinations } of options.backends) {
      const add = <T>(
        to: Pick<SignalExporter<T>[], "push">,
        signal: "traces" | "logs",
        encode: Encode<T>,
      ) => {
        const destination = destinations[signal];
        if (destination === undefined) return;
        const { maxQueued } = options;
        const circuit = circuitOf(options.circuits, destination);
        const exporter = new SignalExporter(
          { backend: name, signal, destination, circuit, encode, maxQueued },
          sending,
        );
        to.push(exporter);
        this.#exporters.push({ backend: name, signal, exporter });
      };
      add(this.#spans, "traces", options.encodeSpans);
      add(this.#logs, "logs", options.encodeLogs);
    }
    for (const { name, open } of options.exporters ?? []) {
      const exporter = open();
      this.#spans.push(exporter);
      this.#exporters.push({ backend: name, signal: "traces", exporter });
    }
  }

  /** Whether a backend accepts spans. */
  get takesSpans(): boolean {
    return this.#spans.length > 0;
  }

  /** Whether items are queued. */
  get hasWork(): boolean {
    return this.#exporters.some(({ exporter }) => !exporter.isEmpty);
  }

  /** Whether to flush before the invocation ends. */
  get isBatchFull(): boolean {
    return (
      this.#flushes < maxEarlyFlushes &&
      this.#exporters.some(({ exporter }) => exporter.isBatchFull)
    );
  }

  /** @param group The invocation. Undefined for spans of other Workers. */
  addSpan(span: FinishedSpan, isKept: boolean, group?: EndedGroup): void {
    if (!isKept) {
      this.#sampledOut += 1;
      return;
    }
    const size = spanSize(span);
    for (const exporter of this.#spans) exporter.add(span, size, group);
  }

  addLog(record: LogRecord): void {
    const size = logSize(record);
    for (const exporter of this.#logs) exporter.add(record, size);
  }

  /** Counts a log record that is left out because its invocation has too many. */
  dropLog(): void {
    for (const exporter of this.#logs) exporter.drop("too_many");
  }

  /** Counts one more undecided span of a group. */
  undecided(group: UndecidedSpans): void {
    const known = this.#undecided.get(group);
    if (known === undefined) this.#undecided.set(group, { spans: 1, sinceUnixMs: this.clock() });
    else known.spans += 1;
    this.#undecidedSpans += 1;
    if (this.#undecidedSpans > maxUndecided) this.#decideOldest();
  }

  /** Forgets the undecided spans of a group. */
  decided(group: UndecidedSpans): void {
    this.#undecidedSpans -= this.#undecided.get(group)?.spans ?? 0;
    this.#undecided.delete(group);
  }

  /** Sends all queued items to all backends, outside of the user's spans. Never rejects. */
  flush(): Promise<void> {
    return outsideSpans(() => this.#flush());
  }

  async #flush(): Promise<void> {
    const now = this.clock();
    for (const [group, { sinceUnixMs }] of this.#undecided) {
      if (now - sinceUnixMs <= undecidedTimeoutMs) break;
      group.decide();
    }
    this.#flushes += 1;
    try {
      await Promise.all(
        this.#exporters.map(({ exporter }) => exporter.flush(now + this.#options.exportTimeoutMs)),
      );
    } catch (cause) {
      this.countFailure(cause);
    } finally {
      this.#flushes -= 1;
    }
  }

  /** Flushes after the current task, so that the flush includes everything that the task adds. */
  async flushSoon(): Promise<void> {
    try {
      await this.sleep(0).over;
    } catch {
      // There are no timers while modules are loaded. The first invocation sends the items.
      return;
    }
    await this.flush();
  }

  /** Keeps the invocation alive until `work` settles. `work` must not reject. */
  hold(work: Promise<unknown>, waitUntil: WaitUntil | undefined): void {
    // The `waitUntil` of the runtime finds the current invocation by itself. Test frameworks wait for that of the
    // context only.
    for (const hold of [this.#options.waitUntil, waitUntil]) {
      try {
        hold?.(work);
      } catch {
        // No invocation is active. The work runs as long as the runtime allows.
      }
    }
  }

  /** Counts an internal error that was not thrown to the program. Logged once per type of error. */
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

  /** Returns the sums over all backends by name. */
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

type Exporter = Pick<SignalExporter<unknown>, "isEmpty" | "isBatchFull" | "flush" | "counts">;

/** Requests with other headers may have another account, which the backend treats differently. */
function circuitOf(circuits: Map<string, Circuit>, { url, headers }: Destination): Circuit {
  const key = JSON.stringify([url, headers]);
  const circuit = circuits.get(key) ?? new Circuit();
  circuits.set(key, circuit);
  return circuit;
}

/**
 * Returns the UTF-16 units of a span's texts plus the bytes of its binary values. This is a lower bound of its encoded
 * size.
 */
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
    // An attribute without a value is left out together with its key.
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
  // Stops at this depth, because a list may contain itself.
  for (const item of value as readonly unknown[])
    size += typeof item === "string" ? item.length : 0;
  return size;
}

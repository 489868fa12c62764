import { DurableObject } from "#workers";
import { errorType } from "../base/cause.ts";
import { report } from "../base/report_once.ts";
import type {
  DurableObjectState,
  DurableObjectStorage,
  KVNamespace,
} from "../base/runtime_types.ts";
import { within } from "../base/time.ts";
import { shapeOf } from "../base/values.ts";
import type { appliedWithNotices } from "../metrics/shards.ts";
import {
  type ExportHost,
  type MetricsExport,
  type MetricsExportCounts,
  type MetricsExportOptions,
  metricsExport,
} from "../slots/metrics_export.ts";
import { metricsRecording } from "../slots/metrics_recording.ts";
import { provideMetricsRoutes } from "../slots/metrics_routes.ts";
import { linesOf } from "./notices.ts";
import { SeriesExpiry } from "./series_expiry.ts";
import { publishError, publishSnapshot } from "./snapshots.ts";
import { AggregateAbi } from "./totals/abi.gen.ts";
import {
  type AggregateOptions,
  createAggregate,
  defaultAggregateOptions,
  isolateAggregate,
} from "./totals/aggregate.ts";
import { StoredTotals, UnreadableTotalsError } from "./totals/stored_totals.ts";
import { workerRoutes } from "./worker_routes.ts";

/** The alarm of a Durable Object. It can only be moved to an earlier time. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #unixMs: number | undefined;
  /** Time of the last alarm. */
  #rangUnixMs = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Loads the alarm that an earlier instance of the object has set. */
  async load(): Promise<void> {
    this.#unixMs = (await this.#storage.getAlarm()) ?? undefined;
  }

  /** Call this in the alarm handler. The runtime has removed the alarm. */
  rang(): void {
    this.#rangUnixMs = this.#unixMs ?? 0;
    this.#unixMs = undefined;
  }

  /** Sets the alarm to `time`, unless an earlier alarm is set. */
  async setBy(time: number): Promise<void> {
    // The runtime ignores an alarm with the time of the alarm that is running. Such an alarm would never ring.
    const unixMs = Math.max(Math.ceil(time), this.#rangUnixMs + 1);
    if (this.#unixMs !== undefined && this.#unixMs <= unixMs) return;
    const before = this.#unixMs;
    this.#unixMs = unixMs;
    try {
      await this.#storage.setAlarm(unixMs);
    } catch (cause) {
      this.#unixMs = before;
      throw cause;
    }
  }
}

export interface TelemetryAggregatorOptions {
  /** Name of the KV binding to which snapshots are published. Default: `TELEMETRY_KV`. */
  readonly kv?: string;
  /** Milliseconds between two snapshots in KV, at least 1,000. Default: 1,000. */
  readonly publishIntervalMs?: number;
  /**
   * Milliseconds for which a producer is remembered after its last frame. Default: 14 days. Must exceed the time that a
   * message can spend in the queue and its dead letter queue together, because older frames are refused.
   */
  readonly producerRetentionMs?: number;
  /** Milliseconds for which a gauge value counts after its producer wrote it. Default: 5 minutes. */
  readonly gaugeExpiryMs?: number;
  /**
   * Milliseconds for which a series is shown after its last value arrived; `Infinity` for ever. A series that comes back
   * later starts anew. Default: 60 days.
   */
  readonly seriesExpiryMs?: number;
  /**
   * Maximum number of series, up to 100,000. Past a limit, new label sets of a metric share a series with the label
   * `otel_metric_overflow="true"`. Default: 100,000.
   */
  readonly maxSeries?: number;
  /** Maximum number of series of one metric. Default: 10,000. */
  readonly maxSeriesPerMetric?: number;
  /** Approximate limit for the bytes of all series in an exposition, without exemplars. Default: 20,000,000. */
  readonly maxBytes?: number;
  /**
   * Returns the OTLP export of the totals for the Worker's `env`, or undefined for no export. Requires `import
   * "isotel/otlp/metrics";`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: an env is whatever the Worker declares it to be
  readonly otlp?: (env: any) => MetricsExportOptions | undefined;
}

/** Time in milliseconds in which changes are collected before they are published. */
const gatherMs = 250;
const maxRetryMs = 60_000;
/** Pause in milliseconds between two attempts to read unreadable totals. */
const unreadablePauseMs = 300_000;
/** Timeout in milliseconds for a write to KV. No other alarm runs until the current one is over. */
const maxPublishMs = 30_000;
/**
 * Pause in milliseconds between two prunings. A shorter expiry replaces it, but the pause is at least the publish
 * interval.
 */
const maxPruneIntervalMs = 60_000;
const maxAlarmMs = 30 * 24 * 3_600_000;
/** The module's code is the one that callers know. */
const withNotices: typeof appliedWithNotices = AggregateAbi.appliedWithNotices;
/** Maximum number of lines that {@link TelemetryAggregator.notices} returns. */
const maxNotices = 100;

/**
 * Adds up the metrics of a Worker's isolates and publishes the totals. Counts each frame exactly once. Each shard has
 * one object. The class requires SQLite storage (`new_sqlite_classes`).
 *
 * Override the settings in a subclass: `export class Telemetry extends TelemetryAggregator { static override options =
 * { kv: "METRICS" }; }`
 */
export class TelemetryAggregator extends DurableObject<unknown> {
  /** Survives minification. */
  static override readonly name: string = "TelemetryAggregator";
  static options: TelemetryAggregatorOptions = {};

  readonly #totals: StoredTotals;
  readonly #alarm: Alarm;
  readonly #kv: KVNamespace | undefined;
  readonly #publishIntervalMs: number;
  readonly #pruneIntervalMs: number;
  readonly #export: MetricsExport | undefined;
  readonly #seriesExpiry: SeriesExpiry;
  #notices: readonly string[] = [];
  /**
   * Whether the totals may be newer than the published ones. True at the start, because an earlier instance may have
   * stopped before it published.
   */
  #isDirty = true;
  /** Time at which this instance published last. */
  #publishedUnixMs: number | undefined;
  #publishFailures = 0;
  #reported: unknown;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    const { options } = new.target as typeof TelemetryAggregator;
    const aggregate = aggregateOptions(options);
    this.#totals = new StoredTotals(ctx.storage, () => createAggregate(aggregate));
    this.#kv = kvOf(env, options.kv);
    this.#publishIntervalMs = atLeast(1000, "publishIntervalMs", options, 1000);
    this.#pruneIntervalMs = Math.max(
      this.#publishIntervalMs,
      Math.min(maxPruneIntervalMs, aggregate.gaugeExpiryMs, aggregate.seriesExpiryMs),
    );
    this.#alarm = new Alarm(ctx.storage);
    this.#export = makeExport(options.otlp, env, {
      storage: ctx.storage,
      totals: this.#totals,
      instanceId: ctx.id.toString(),
      aggregate: isolateAggregate,
      wakeBy: (unixMs) => this.#alarm.setBy(Math.max(unixMs, Date.now())),
      hold: (work) => ctx.waitUntil(work),
      report: (message, cause) => this.#reportExport(message, cause),
      counted: () => {
        this.#isDirty = true;
      },
    });
    const { seriesExpiryMs } = aggregate;
    this.#seriesExpiry = new SeriesExpiry({ ctx, env, totals: this.#totals, seriesExpiryMs });
    void ctx.blockConcurrencyWhile(async () => {
      await Promise.all([this.#alarm.load(), this.#seriesExpiry.load()]);
    });
  }

  /**
   * Adds frames to the totals. Stores the totals before it returns.
   *
   * @param shards Number of aggregators that share the work.
   * @returns One number for each frame:
   * - 0: added
   * - 1: a duplicate
   * - 2: added, and {@link notices} has something new
   * - a negative code of src/base/errors.def: refused and counted. `unknownVersion` is not final: the frame has a newer
   *   format version. Send it again.
   * @throws if it is not known whether any frame was added. Send all frames again.
   */
  async apply(frames: Uint8Array[], shards = 1): Promise<number[]> {
    metricsRecording()?.noteTransport();
    if (!Array.isArray(frames)) throw new TypeError("isotel: apply needs a list of frames");
    const now = Date.now();
    this.#export?.prepare(now);
    const results = this.#guard(() => this.#totals.apply(frames, now));
    if (results.includes(withNotices)) this.#takeNotices();
    this.#seriesExpiry.arrived(now);
    this.#isDirty = true;
    this.#export?.changed();
    const next = Math.min(this.#nextPublish(now), this.#nextExport(now));
    // No await may come between the change of the totals and this call, so that the alarm is part of the same write.
    await Promise.all([this.#alarm.setBy(next), this.#seriesExpiry.noteShards(shards)]);
    return results;
  }

  /** Returns lines for the console about conflicts and limits that frames have brought to this instance. */
  async notices(): Promise<readonly string[]> {
    return this.#notices;
  }

  /**
   * Removes metrics. Values that arrive later start new series.
   *
   * @param name Name of the metric, as it was declared or as `/metrics` shows it. Removes all metrics without a name.
   * @returns The number of removed series.
   */
  async drop(name?: string): Promise<number> {
    if (name !== undefined && (typeof name !== "string" || name === "")) {
      throw new TypeError(`isotel: drop needs the name of a metric; it got ${shapeOf(name)}`);
    }
    const now = Date.now();
    this.#export?.prepare(now);
    const removed = this.#guard(() => this.#totals.drop(name, now));
    if (removed > 0) {
      this.#isDirty = true;
      this.#export?.changed();
      await this.#alarm.setBy(Math.min(this.#nextPublish(now), this.#nextExport(now)));
    }
    return removed;
  }

  /**
   * Returns a snapshot of the newest totals.
   *
   * @throws UnreadableTotalsError if the stored totals cannot be read.
   */
  async snapshot(): Promise<Uint8Array> {
    metricsRecording()?.noteTransport();
    return this.#guard(() => this.#totals.snapshot(Date.now()));
  }

  /** Returns the counts of the export for each backend of the option `otlp`. */
  async exportCounts(): Promise<readonly MetricsExportCounts[]> {
    return this.#export?.counts() ?? [];
  }

  override async alarm(): Promise<void> {
    metricsRecording()?.noteTransport();
    this.#alarm.rang();
    const now = Date.now();
    // Runs without await: a backend that does not respond must not delay publishing.
    this.#export?.start(now);
    try {
      this.#prune(now);
      // Every alarm is set an interval after the last publication, also by an earlier instance. An instance that has
      // not published yet may therefore publish at once.
      const isDue = now >= (this.#publishedUnixMs ?? 0) + this.#publishIntervalMs;
      if (this.#isDirty && isDue) await this.#publish(now);
      this.#publishFailures = 0;
      if (await this.#seriesExpiry.run(now)) {
        this.#isDirty = true;
        this.#export?.changed();
      }
      await this.#setNextAlarm();
    } catch (cause) {
      this.#report(cause);
      if (cause instanceof UnreadableTotalsError) {
        // Another version of the code may be able to read them. The next instance of this object tries again.
        await this.#alarm.setBy(Date.now() + unreadablePauseMs);
        return;
      }
      this.#isDirty = true;
      this.#publishFailures += 1;
      const delay = Math.min(maxRetryMs, this.#publishIntervalMs * 2 ** this.#publishFailures);
      await this.#alarm.setBy(Math.min(Date.now() + delay, this.#nextExport(now)));
    }
  }

  /** Forgets what is over. A failure is reported and does not keep the totals from being published. */
  #prune(now: number): void {
    try {
      if (!this.#totals.prune(now)) return;
    } catch (cause) {
      if (cause instanceof UnreadableTotalsError) throw cause;
      this.#report(cause);
    }
    this.#isDirty = true;
    this.#export?.changed();
  }

  async #publish(now: number): Promise<void> {
    // Changes during the write belong to the next snapshot.
    this.#isDirty = false;
    if (this.#kv === undefined) return;
    const bytes = this.#totals.snapshot(now);
    const { version } = isolateAggregate().peek(bytes);
    this.#publishedUnixMs = now;
    await within(maxPublishMs, publishSnapshot(this.#kv, this.#shard, bytes, version));
    this.#publishedUnixMs = Date.now();
  }

  #nextPublish(now: number): number {
    if (this.#kv === undefined) return now + this.#pruneIntervalMs;
    const published = this.#publishedUnixMs ?? now;
    return Math.max(now + gatherMs, published + this.#publishIntervalMs);
  }

  /** Returns the time of the next export. Returns a time far in the future if there is none. */
  #nextExport(now: number): number {
    return Math.max(now, this.#export?.nextUnixMs(now) ?? Number.MAX_SAFE_INTEGER);
  }

  /** Sets one alarm for everything that is to be done next. Each alarm that is set is charged as a row. */
  async #setNextAlarm(): Promise<void> {
    const now = Date.now();
    const latest = now + maxAlarmMs;
    const times: number[] = [];
    const exportAt = this.#nextExport(now);
    if (exportAt <= latest) times.push(exportAt);
    if (this.#isDirty) times.push(this.#nextPublish(now));
    for (const due of [this.#totals.nextPrune(), this.#seriesExpiry.dueUnixMs]) {
      if (due !== undefined)
        times.push(Math.min(latest, Math.max(due, now + this.#pruneIntervalMs)));
    }
    if (times.length > 0) await this.#alarm.setBy(Math.min(...times));
  }

  #takeNotices(): void {
    const lines = linesOf(this.#totals.notices(), this.#shard);
    this.#notices = [...this.#notices, ...lines].slice(-maxNotices);
  }

  get #shard(): string {
    return this.ctx.id.name ?? this.ctx.id.toString();
  }

  #reportExport(message: string, cause: unknown): void {
    if (cause === undefined) report(message);
    else if (cause instanceof UnreadableTotalsError) this.#report(cause);
    else report(message, cause);
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      this.#report(cause);
      throw cause;
    }
  }

  /** Reports an error. Reports a repeated error object once. */
  #report(cause: unknown): void {
    if (cause === this.#reported) return;
    this.#reported = cause;
    report(`isotel: the aggregator ${this.#shard} failed.`, cause);
    if (!(cause instanceof UnreadableTotalsError) || this.#kv === undefined) return;
    const published = publishError(this.#kv, this.#shard, cause.message);
    this.ctx.waitUntil(
      published.catch((error) => report("isotel: the error could not be published to KV.", error)),
    );
  }
}

/** Returns the options of the totals. Reports an invalid one and replaces it by its default. */
function aggregateOptions(options: TelemetryAggregatorOptions): AggregateOptions {
  const { seriesExpiryMs, ...others } = defaultAggregateOptions;
  const isForEver = options.seriesExpiryMs === Number.POSITIVE_INFINITY;
  return {
    producerRetentionMs: atLeast(1, "producerRetentionMs", options, others.producerRetentionMs),
    gaugeExpiryMs: atLeast(1, "gaugeExpiryMs", options, others.gaugeExpiryMs),
    seriesExpiryMs: isForEver
      ? Number.POSITIVE_INFINITY
      : atLeast(1, "seriesExpiryMs", options, seriesExpiryMs),
    maxSeries: atLeast(1, "maxSeries", options, others.maxSeries),
    maxSeriesPerMetric: atLeast(1, "maxSeriesPerMetric", options, others.maxSeriesPerMetric),
    maxBytes: atLeast(1, "maxBytes", options, others.maxBytes),
  };
}

/** Returns a number from the options. Reports an invalid one and returns the default. */
function atLeast(
  least: number,
  name: keyof Omit<TelemetryAggregatorOptions, "kv" | "otlp">,
  options: TelemetryAggregatorOptions,
  otherwise: number,
): number {
  const value = options[name];
  if (value === undefined) return otherwise;
  if (Number.isFinite(value) && value >= least) return value;
  const unit = name.endsWith("Ms") ? ", in milliseconds" : "";
  report(
    `isotel: the option ${name} of TelemetryAggregator is ${shapeOf(value)}; it has to be a number of at least ` +
      `${least}${unit}. ${otherwise} is used.`,
  );
  return otherwise;
}

function kvOf(env: unknown, name: string | undefined): KVNamespace | undefined {
  const kv = (env as Readonly<Record<string, KVNamespace | undefined>>)[name ?? "TELEMETRY_KV"];
  if (kv === undefined && name !== undefined) {
    report(
      `isotel: TelemetryAggregator publishes nothing because the binding ${name} is missing. Add to wrangler.jsonc: ` +
        `"kv_namespaces": [{ "binding": "${name}" }]`,
    );
  }
  return kv;
}

// In a Worker that exports the class, withTelemetry serves scrapes and consumes the telemetry queue.
provideMetricsRoutes(workerRoutes);

/** Makes the export of an aggregator. Reports invalid options. The aggregator then works without the export. */
export function makeExport(
  otlp: ((env: never) => MetricsExportOptions | undefined) | undefined,
  env: unknown,
  host: ExportHost,
): MetricsExport | undefined {
  if (otlp === undefined) return undefined;
  const make = metricsExport();
  if (make === undefined) {
    report(
      "isotel: TelemetryAggregator has the option otlp, but this Worker does not carry it. " +
        'Add import "isotel/otlp/metrics";',
    );
    return undefined;
  }
  try {
    const options = otlp(env as never);
    return options === undefined ? undefined : make(options, env, host);
  } catch (cause) {
    const isOurs = cause instanceof TypeError && cause.message.startsWith("isotel: ");
    report(
      isOurs
        ? cause.message
        : `isotel: the option otlp cannot be read (${errorType(cause)}); nothing is sent over OTLP.`,
    );
    return undefined;
  }
}

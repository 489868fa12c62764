import { DurableObject } from "#workers";
import { errorType } from "../base/cause.ts";
import { report } from "../base/report_once.ts";
import { within } from "../base/time.ts";
import {
  type ExportHost,
  type MetricsExport,
  type MetricsExportCounts,
  type MetricsExportOptions,
  metricsExport,
} from "../slots/metrics_export.ts";
import { provideMetricsRoutes } from "../slots/metrics_routes.ts";
import { publishError, publishSnapshot } from "./snapshots.ts";
import { createAggregate, defaultAggregateOptions, isolateAggregate } from "./totals/aggregate.ts";
import { StoredTotals, UnreadableTotalsError } from "./totals/stored_totals.ts";
import { workerRoutes } from "./worker_routes.ts";

/** The alarm of a Durable Object, which is only ever moved to an earlier time. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #unixMs: number | undefined;
  /** The time of the one that rang last. */
  #rangUnixMs = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Reads what an earlier life of the object has set. */
  async load(): Promise<void> {
    this.#unixMs = (await this.#storage.getAlarm()) ?? undefined;
  }

  /** To be called when it rings: the runtime has taken it down. */
  rang(): void {
    this.#rangUnixMs = this.#unixMs ?? 0;
    this.#unixMs = undefined;
  }

  /** Makes it ring by then. */
  async setBy(time: number): Promise<void> {
    // One at the very time of the one that is being handled would be taken for that one, and never ring.
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
  /** Name of the KV binding that snapshots are published to; `TELEMETRY_KV` unless given. */
  readonly kv?: string;
  /** Milliseconds between two snapshots in KV, at least 1,000, which is also what it is unless given. */
  readonly publishIntervalMs?: number;
  /**
   * Milliseconds a producer is remembered after its last frame; 14 days unless given. It has to be longer than a message
   * may stay in the queue and in its dead letter queue together: older frames are refused.
   */
  readonly producerRetentionMs?: number;
  /** Milliseconds a gauge counts after its producer wrote it; 5 minutes unless given. */
  readonly gaugeExpiryMs?: number;
  /**
   * Where totals are sent over OTLP, by the Worker's `env`, or undefined for nowhere; needs
   * `import "isotel/otlp/metrics";`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: an env is whatever the Worker declares it to be
  readonly otlp?: (env: any) => MetricsExportOptions | undefined;
}

/** What arrives within this time is published together. */
const gatherMs = 250;
const maxRetryMs = 60_000;
/** Between two looks at totals that cannot be read. */
const unreadablePauseMs = 300_000;
/** KV that takes longer is asked again: until an alarm is over, no other rings. */
const maxPublishMs = 30_000;
/** Forgetting has no haste: it is done at most so often. */
const maxPruneIntervalMs = 60_000;
const maxAlarmMs = 30 * 24 * 3_600_000;

/**
 * Adds up what the isolates of a Worker record, each frame exactly once, and publishes the totals. There is one object
 * for each shard; it has to be a class with SQLite storage (`new_sqlite_classes`).
 *
 * Other settings than the defaults are given by a subclass:
 * `export class Telemetry extends TelemetryAggregator { static override options = { kv: "METRICS" }; }`
 */
export class TelemetryAggregator extends DurableObject<unknown> {
  static options: TelemetryAggregatorOptions = {};

  readonly #totals: StoredTotals;
  readonly #alarm: Alarm;
  readonly #kv: KVNamespace | undefined;
  readonly #publishIntervalMs: number;
  readonly #pruneIntervalMs: number;
  readonly #export: MetricsExport | undefined;
  /** Whether the totals may be newer than what was published; an earlier life may have left them so. */
  #isDirty = true;
  /** Of this life. */
  #publishedUnixMs: number | undefined;
  #publishFailures = 0;
  #reported: unknown;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    const { options } = new.target as typeof TelemetryAggregator;
    const { producerRetentionMs, gaugeExpiryMs } = defaultAggregateOptions;
    const aggregate = {
      producerRetentionMs: atLeast(1, options.producerRetentionMs, producerRetentionMs),
      gaugeExpiryMs: atLeast(1, options.gaugeExpiryMs, gaugeExpiryMs),
    };
    this.#totals = new StoredTotals(ctx.storage, () => createAggregate(aggregate));
    this.#kv = kvOf(env, options.kv);
    this.#publishIntervalMs = atLeast(1000, options.publishIntervalMs, 1000);
    this.#pruneIntervalMs = Math.max(
      this.#publishIntervalMs,
      Math.min(maxPruneIntervalMs, aggregate.gaugeExpiryMs),
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
    void ctx.blockConcurrencyWhile(() => this.#alarm.load());
  }

  /**
   * Adds frames to the totals and stores them before it answers.
   *
   * @returns for each frame 0 when it was added, 1 when it had been before, or the negative code of
   * src/base/errors.def it was refused and counted with. Of these `unknownVersion` is not final: the frame has a newer
   * format version and has to be sent again.
   * @throws when nothing is known of any of them: all have to be sent again.
   */
  async apply(frames: Uint8Array[]): Promise<number[]> {
    if (!Array.isArray(frames)) throw new TypeError("isotel: apply takes a list of frames");
    const now = Date.now();
    this.#export?.prepare(now);
    const results = this.#guard(() => this.#totals.apply(frames, now));
    this.#isDirty = true;
    this.#export?.changed();
    const next = Math.min(this.#nextPublish(now), this.#nextExport(now));
    // Without anything in between, so that it stands in the same write.
    await this.#alarm.setBy(next);
    return results;
  }

  /**
   * A snapshot of the newest totals.
   *
   * @throws when they cannot be read.
   */
  async snapshot(): Promise<Uint8Array> {
    return this.#guard(() => this.#totals.snapshot(Date.now()));
  }

  /** What became of the totals at each backend of the option `otlp`. */
  async exportCounts(): Promise<readonly MetricsExportCounts[]> {
    return this.#export?.counts() ?? [];
  }

  override async alarm(): Promise<void> {
    this.#alarm.rang();
    const now = Date.now();
    // It goes on by itself: no backend that hangs keeps anything from being published.
    this.#export?.start(now);
    try {
      if (this.#totals.prune(now)) {
        this.#isDirty = true;
        this.#export?.changed();
      }
      // Every alarm keeps the interval to what was published before it was set, also in an earlier life.
      const isDue = now >= (this.#publishedUnixMs ?? 0) + this.#publishIntervalMs;
      if (this.#isDirty && isDue) await this.#publish(now);
      this.#publishFailures = 0;
      await this.#setNextAlarm();
    } catch (cause) {
      this.#report(cause);
      if (cause instanceof UnreadableTotalsError) {
        // Another version of the code may read them: it is asked by the next life of this object.
        await this.#alarm.setBy(Date.now() + unreadablePauseMs);
        return;
      }
      this.#isDirty = true;
      this.#publishFailures += 1;
      const delay = Math.min(maxRetryMs, this.#publishIntervalMs * 2 ** this.#publishFailures);
      await this.#alarm.setBy(Math.min(Date.now() + delay, this.#nextExport(now)));
    }
  }

  async #publish(now: number): Promise<void> {
    // What is applied while it is on its way is for the next one.
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

  /** No time at all is after all others. */
  #nextExport(now: number): number {
    return Math.max(now, this.#export?.nextUnixMs(now) ?? Number.MAX_SAFE_INTEGER);
  }

  async #setNextAlarm(): Promise<void> {
    const now = Date.now();
    const prune = this.#totals.nextPrune();
    const next = this.#nextExport(now);
    if (next <= now + maxAlarmMs) await this.#alarm.setBy(next);
    if (this.#isDirty) {
      await this.#alarm.setBy(this.#nextPublish(now));
    } else if (prune !== undefined) {
      const at = Math.max(prune, now + this.#pruneIntervalMs);
      await this.#alarm.setBy(Math.min(at, now + maxAlarmMs));
    }
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

  /** Tells of an error, of one that stays once. */
  #report(cause: unknown): void {
    if (cause === this.#reported) return;
    this.#reported = cause;
    report(`isotel: the aggregator ${this.#shard} failed.`, cause);
    if (!(cause instanceof UnreadableTotalsError) || this.#kv === undefined) return;
    const told = publishError(this.#kv, this.#shard, cause.message);
    this.ctx.waitUntil(told.catch((error) => report("isotel: KV failed.", error)));
  }
}

/** A number of milliseconds that was asked for, or the one that holds unless it is given. */
function atLeast(least: number, asked: number | undefined, otherwise: number): number {
  if (asked === undefined) return otherwise;
  if (Number.isFinite(asked) && asked >= least) return asked;
  report(
    `isotel: ${asked} is no time for TelemetryAggregator, it takes at least ${least} ms; ${otherwise} holds.`,
  );
  return otherwise;
}

function kvOf(env: unknown, name: string | undefined): KVNamespace | undefined {
  const kv = (env as Readonly<Record<string, KVNamespace | undefined>>)[name ?? "TELEMETRY_KV"];
  if (kv === undefined && name !== undefined) {
    report(
      `isotel: TelemetryAggregator publishes nothing, there is no binding ${name}. Add to wrangler.jsonc: ` +
        `"kv_namespaces": [{ "binding": "${name}" }]`,
    );
  }
  return kv;
}

// Who exports the class has the Worker's scrapes and queue served by withTelemetry.
provideMetricsRoutes(workerRoutes);

/** The export an aggregator has asked for. What is wrong is told, and everything else goes on without it. */
export function makeExport(
  otlp: ((env: never) => MetricsExportOptions | undefined) | undefined,
  env: unknown,
  host: ExportHost,
): MetricsExport | undefined {
  if (otlp === undefined) return undefined;
  const make = metricsExport();
  if (make === undefined) {
    report(
      'isotel: TelemetryAggregator has the option otlp, but this Worker does not carry it. Add import "isotel/otlp/metrics";',
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

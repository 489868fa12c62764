import { report } from "../base/report_once.ts";
import type { AggregatorNamespace } from "../base/runtime_types.ts";
import { within } from "../base/time.ts";
import { aggregatorStub, maxShards, shardNames } from "../metrics/shards.ts";
import type { StoredTotals } from "./totals/stored_totals.ts";

/** Bounds of the milliseconds between two removals. In between, snapshots hide series that have expired. */
const minPauseMs = 60_000;
const maxPauseMs = 24 * 3_600_000;
const maxReadMs = 30_000;

/** The key under which the number of shards is stored. */
const shardsKey = "isotel-shards";

export interface SeriesExpiryHost {
  readonly ctx: DurableObjectState;
  readonly env: unknown;
  readonly totals: StoredTotals;
  readonly seriesExpiryMs: number;
}

/**
 * Removes series that have expired from the totals of one shard.
 *
 * A scrape adds up the series of all shards. If one shard removed its part while another shard still received values,
 * the sum would step back, and Prometheus would count the rest again. So a shard asks the others first.
 */
export class SeriesExpiry {
  readonly #host: SeriesExpiryHost;
  /** The greatest number of shards that senders have named. */
  #shards = 1;
  /** When a series may expire next. Undefined if none will. Zero before the first look. */
  #nextUnixMs: number | undefined = 0;
  /** Not before this time. */
  #pauseEndUnixMs = 0;

  constructor(host: SeriesExpiryHost) {
    this.#host = host;
  }

  /** Reads the number of shards that an earlier instance of the object has stored. */
  async load(): Promise<void> {
    this.#shards = (await this.#host.ctx.storage.get<number>(shardsKey)) ?? 1;
  }

  /** Notes the number of shards that a sender names. */
  async noteShards(shards: unknown): Promise<void> {
    const isMore = Number.isInteger(shards) && (shards as number) > this.#shards;
    if (!isMore || (shards as number) > maxShards) return;
    this.#shards = shards as number;
    await this.#host.ctx.storage.put(shardsKey, this.#shards);
  }

  /** Notes that values arrived. Their series may be the first ones. */
  arrived(nowUnixMs: number): void {
    this.#nextUnixMs ??= nowUnixMs + this.#host.seriesExpiryMs + 1;
  }

  /** Returns when {@link run} has something to do next. Undefined if it never will. */
  get dueUnixMs(): number | undefined {
    return this.#nextUnixMs === undefined
      ? undefined
      : Math.max(this.#nextUnixMs, this.#pauseEndUnixMs);
  }

  /** Removes series if it is time. Returns whether there were any. */
  async run(nowUnixMs: number): Promise<boolean> {
    const due = this.dueUnixMs;
    if (due === undefined || nowUnixMs < due) return false;
    const { seriesExpiryMs } = this.#host;
    const pause = Math.max(
      Math.min(minPauseMs, seriesExpiryMs),
      Math.min(maxPauseMs, seriesExpiryMs / 8),
    );
    this.#pauseEndUnixMs = nowUnixMs + pause;
    const others = await this.#readOthers();
    if (others === undefined) return false;
    const { hasRemoved, next } = this.#host.totals.expireSeries(nowUnixMs, others);
    this.#nextUnixMs = next;
    return hasRemoved;
  }

  /** Returns snapshots of the other shards. Undefined if they cannot be read: no series may be removed then. */
  async #readOthers(): Promise<Uint8Array[] | undefined> {
    if (this.#shards === 1) return [];
    const { ctx, env } = this.#host;
    const namespace = ownNamespace(ctx, env);
    if (namespace === undefined) return undefined;
    const others = shardNames(this.#shards).filter((name) => name !== ctx.id.name);
    try {
      const snapshots = others.map((name) => aggregatorStub(namespace, name).snapshot());
      return await within(maxReadMs, Promise.all(snapshots));
    } catch (cause) {
      report("isotel: series cannot expire, because another shard cannot be read.", cause);
      return undefined;
    }
  }
}

/** Returns the binding of `env` for the namespace that the object belongs to. */
function ownNamespace({ id }: DurableObjectState, env: unknown): AggregatorNamespace | undefined {
  const { name } = id;
  if (name === undefined) return undefined;
  for (const binding of Object.values(env as Readonly<Record<string, unknown>>)) {
    const namespace = binding as Partial<AggregatorNamespace> | null;
    if (typeof namespace !== "object" || typeof namespace?.idFromName !== "function") continue;
    // The id of a name differs from namespace to namespace.
    if (namespace.idFromName(name).equals(id)) return namespace as AggregatorNamespace;
  }
  return undefined;
}

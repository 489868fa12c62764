import type { Environment } from "../base/env.ts";
import type { SenderOptions } from "../otlp/exporter/sender.ts";
import type {
  ExportHost,
  MetricsExport,
  MetricsExportCounts,
  MetricsExportOptions,
} from "../slots/metrics_export.ts";
import { baseOf } from "./encode_part.ts";
import { MetricsTarget, startsAnew } from "./metrics_target.ts";
import { type MetricsPlan, readMetricsOptions, type TargetPlan } from "./read_metrics_options.ts";
import { DamagedExportError, type TargetState, TargetStore } from "./target_store.ts";

/** Sends the totals of an aggregator to each of its backends. */
class MetricsExporter implements MetricsExport {
  readonly #plan: MetricsPlan;
  readonly #host: ExportHost;
  readonly #sending: SenderOptions;
  #targets: readonly MetricsTarget[] | undefined;

  constructor(plan: MetricsPlan, host: ExportHost, sending: SenderOptions) {
    this.#plan = plan;
    this.#host = host;
    this.#sending = sending;
  }

  prepare(nowUnixMs: number): void {
    this.#prepared(nowUnixMs);
  }

  changed(): void {
    for (const target of this.#targets ?? []) target.changed();
  }

  nextUnixMs(nowUnixMs: number): number | undefined {
    const times = this.#prepared(nowUnixMs).map((target) => target.nextUnixMs());
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  start(nowUnixMs: number): void {
    for (const target of this.#prepared(nowUnixMs)) target.start(nowUnixMs);
  }

  counts(): readonly MetricsExportCounts[] {
    return this.#prepared(this.#sending.clock()).map((target) => target.counts());
  }

  /** Returns the targets. Returns none if storage fails. The next call tries again. */
  #prepared(nowUnixMs: number): readonly MetricsTarget[] {
    if (this.#targets !== undefined) return this.#targets;
    try {
      this.#targets = this.#open(nowUnixMs);
      return this.#targets;
    } catch (cause) {
      this.#host.report(
        "isotel: the export of metrics cannot be set up; it is tried again.",
        cause,
      );
      return [];
    }
  }

  #open(nowUnixMs: number): MetricsTarget[] {
    const { storage } = this.#host;
    const { targets, resource, intervalMs } = this.#plan;
    const store = new TargetStore(storage.sql);
    const slots = this.#readableSlots(store);
    const added = targets.filter(({ key }) => !slots.has(key));
    const removed = [...slots].filter(([key]) => !targets.some((target) => target.key === key));
    const base = added.some(({ temporality }) => temporality === "delta")
      ? baseOf(this.#host, nowUnixMs)
      : undefined;
    storage.transactionSync(() => {
      for (const [key, slot] of removed) {
        store.remove(slot);
        slots.delete(key);
      }
      for (const plan of added) slots.set(plan.key, add(store, slots, plan, nowUnixMs, base));
    });
    return targets.map(
      (plan) =>
        new MetricsTarget({
          plan,
          resource: { ...resource, "service.instance.id": this.#host.instanceId },
          intervalMs,
          host: this.#host,
          store,
          slot: slots.get(plan.key) ?? 0,
          sending: this.#sending,
        }),
    );
  }

  /** Returns the slots of all backends by key. Removes those whose state is damaged: their export starts anew. */
  #readableSlots(store: TargetStore): Map<string, number> {
    const slots = store.slots();
    for (const [key, slot] of slots) {
      try {
        store.read(slot);
      } catch (cause) {
        if (!(cause instanceof DamagedExportError)) throw cause;
        this.#host.report(startsAnew(this.#plan.targets.find((target) => target.key === key)));
        this.#host.storage.transactionSync(() => store.remove(slot));
        slots.delete(key);
      }
    }
    return slots;
  }
}

function add(
  store: TargetStore,
  slots: ReadonlyMap<string, number>,
  { key, temporality }: TargetPlan,
  nowUnixMs: number,
  base: Uint8Array | undefined,
): number {
  const slot = Math.max(-1, ...slots.values()) + 1;
  const isDelta = temporality === "delta" && base !== undefined;
  const counts = {
    accepted: 0,
    rejected: 0,
    dropped: 0,
    requests: 0,
    failed: 0,
    givenUp: 0,
    lastStatus: 0,
  };
  const state: TargetState = {
    intervalUnixMs: nowUnixMs,
    waitUntilUnixMs: 0,
    pending: null,
    hasBase: isDelta,
    counts,
  };
  store.add(slot, key, state);
  if (isDelta) store.writeBase(slot, base);
  return slot;
}

/** Makes the export of an aggregator; see MakeMetricsExport. */
export function makeMetricsExport(
  options: MetricsExportOptions,
  env: unknown,
  host: ExportHost,
  sending: SenderOptions,
): MetricsExport {
  const plan = readMetricsOptions(options, { ...(env as Environment | undefined) });
  return new MetricsExporter(plan, host, sending);
}

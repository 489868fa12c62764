// Made by scripts/generate_abi.mjs from src/abi/aggregate/isotel_aggregate.h and the .def tables. Do not edit.
import type { ModuleAbi, ModuleExports } from "../../wasm/module.ts";

/** Constants of isotel_aggregate.h. */
export const AggregateAbi = {
  resultCount: 4,
  escapingUnderscores: 0,
  escapingDots: 1,
  escapingValues: 2,
  escapingUtf8: 3,
  applied: 0,
  duplicate: 1,
  appliedWithNotices: 2,
  removedKey: 67108864,
  archivedKey: 83886080,
  restored: 0,
  recordDamaged: 1,
  producerAt: 4,
  producerBytes: 16,
  recordSeenAt: 20,
  temporalityCumulative: 0,
  temporalityDelta: 1,
  snapshotVersion: 0,
  snapshotUnixMs: 1,
  otlpNext: 0,
  otlpSeries: 1,
  otlpPoints: 2,
} as const;

/** The functions of isotel_aggregate.h. */
export interface AggregateExports extends ModuleExports {
  isotel_aggregate_abi_version(): number;
  isotel_aggregate_abi_fingerprint(): number;
  isotel_aggregate_create(producerRetentionMs: number, gaugeExpiryMs: number, seriesExpiryMs: number, maxSeries: number, maxFamilySeries: number, maxExpositionBytes: number): number;
  isotel_aggregate_destroy(context: number): void;
  isotel_aggregate_results(context: number): number;
  isotel_aggregate_buffer(context: number, size: number): number;
  isotel_aggregate_output(context: number): number;
  isotel_aggregate_totals_load(context: number, key: number, length: number): number;
  isotel_aggregate_totals_ready(context: number): number;
  isotel_aggregate_totals_missing(context: number, length: number): number;
  isotel_aggregate_totals_restore(context: number, length: number, seenUnixMs: number): number;
  isotel_aggregate_totals_apply(context: number, length: number, nowUnixMs: number): number;
  isotel_aggregate_totals_prune(context: number, nowUnixMs: number): number;
  isotel_aggregate_totals_expire(context: number, length: number, seenUnixMs: number, nowUnixMs: number): number;
  isotel_aggregate_totals_next_prune(context: number, oldestUnixMs: number): number;
  isotel_aggregate_totals_notices(context: number): number;
  isotel_aggregate_totals_expire_series(context: number, nowUnixMs: number, others: number): number;
  isotel_aggregate_totals_drop(context: number, length: number, nowUnixMs: number): number;
  isotel_aggregate_totals_changes(context: number): number;
  isotel_aggregate_totals_count(context: number, counter: number, amount: number): number;
  isotel_aggregate_totals_snapshot(context: number, nowUnixMs: number): number;
  isotel_aggregate_frame_shard(context: number, length: number, shards: number): number;
  isotel_aggregate_snapshot_clear(context: number): number;
  isotel_aggregate_snapshot_merge(context: number, length: number): number;
  isotel_aggregate_snapshot_peek(context: number, length: number): number;
  isotel_aggregate_snapshot_render(context: number, format: number, escaping: number, selfMetrics: number, missing: number, nowUnixMs: number): number;
  isotel_aggregate_base_read(context: number, length: number): number;
  isotel_aggregate_base_take(context: number, first: number, end: number): number;
  isotel_aggregate_base_write(context: number): number;
  isotel_aggregate_snapshot_otlp(context: number, format: number, temporality: number, first: number, end: number, enoughBytes: number, numbers: number, keys: number, words: number, textBytes: number, textUnits: number, rawBytes: number): number;
  isotel_aggregate_negotiate(context: number, length: number): number;
  isotel_aggregate_content_type(context: number, format: number, escaping: number): number;
}

/** The identity of the aggregate.wasm that fits this file. */
export const aggregateAbi: ModuleAbi<AggregateExports> = {
  file: "aggregate.wasm",
  prefix: "isotel_aggregate",
  version: 7,
  fingerprint: 2666138977,
  exportNames: [
    "isotel_aggregate_abi_version",
    "isotel_aggregate_abi_fingerprint",
    "isotel_aggregate_create",
    "isotel_aggregate_destroy",
    "isotel_aggregate_results",
    "isotel_aggregate_buffer",
    "isotel_aggregate_output",
    "isotel_aggregate_totals_load",
    "isotel_aggregate_totals_ready",
    "isotel_aggregate_totals_missing",
    "isotel_aggregate_totals_restore",
    "isotel_aggregate_totals_apply",
    "isotel_aggregate_totals_prune",
    "isotel_aggregate_totals_expire",
    "isotel_aggregate_totals_next_prune",
    "isotel_aggregate_totals_notices",
    "isotel_aggregate_totals_expire_series",
    "isotel_aggregate_totals_drop",
    "isotel_aggregate_totals_changes",
    "isotel_aggregate_totals_count",
    "isotel_aggregate_totals_snapshot",
    "isotel_aggregate_frame_shard",
    "isotel_aggregate_snapshot_clear",
    "isotel_aggregate_snapshot_merge",
    "isotel_aggregate_snapshot_peek",
    "isotel_aggregate_snapshot_render",
    "isotel_aggregate_base_read",
    "isotel_aggregate_base_take",
    "isotel_aggregate_base_write",
    "isotel_aggregate_snapshot_otlp",
    "isotel_aggregate_negotiate",
    "isotel_aggregate_content_type",
  ],
};

/** Codes of src/exposition/formats.def. */
export const MetricsFormat = {
  text: 0,
  text1: 1,
  openMetrics: 2,
  protobuf: 3,
  json: 4,
} as const;

/** Metrics of src/metrics/aggregator_counters.def, in the order of isotel_aggregate_totals_count(). */
export const aggregatorCounterNames = [
  "isotel_frames_applied",
  "isotel_frames_duplicate",
  "isotel_frames_rejected",
  "isotel_frames_too_old",
  "isotel_sequences_given_up",
  "isotel_series_overflowed",
  "isotel_series_dropped",
  "isotel_gauges_dropped",
  "isotel_producers_pruned",
  "isotel_producers",
  "isotel_series",
  "isotel_otlp_points_accepted",
  "isotel_otlp_points_rejected",
  "isotel_otlp_points_dropped",
  "isotel_otlp_metric_requests_failed",
  "isotel_frames_newer",
  "isotel_series_expired",
  "isotel_definition_conflicts",
  "isotel_producer_records_damaged",
] as const;

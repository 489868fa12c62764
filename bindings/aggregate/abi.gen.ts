// Made by scripts/generate_abi.mjs from src/abi/aggregate/isotel_aggregate.h and the .def tables. Do not edit.

/** Constants of isotel_aggregate.h, and the hash of the tables. */
export const AggregateAbi = {
  aggregateAbiVersion: 3,
  aggregateResultCount: 32,
  escapingUnderscores: 0,
  escapingDots: 1,
  escapingValues: 2,
  escapingUtf8: 3,
  applied: 0,
  duplicate: 1,
  temporalityCumulative: 0,
  temporalityDelta: 1,
  snapshotVersion: 0,
  snapshotUnixMs: 1,
  snapshotFamilies: 2,
  snapshotSeries: 3,
  snapshotCounters: 4,
  otlpNext: 0,
  otlpSeries: 1,
  otlpPoints: 2,
  fingerprint: 3397327224,
} as const;

/** The functions a module has to export. */
export const aggregateExportNames = [
  "isotel_aggregate_abi_version",
  "isotel_aggregate_abi_fingerprint",
  "isotel_aggregate_create",
  "isotel_aggregate_destroy",
  "isotel_aggregate_results",
  "isotel_aggregate_buffer",
  "isotel_aggregate_output",
  "isotel_totals_load",
  "isotel_totals_ready",
  "isotel_totals_apply",
  "isotel_totals_prune",
  "isotel_totals_next_prune",
  "isotel_totals_changes",
  "isotel_totals_count",
  "isotel_totals_snapshot",
  "isotel_frame_shard",
  "isotel_snapshot_clear",
  "isotel_snapshot_merge",
  "isotel_snapshot_write",
  "isotel_snapshot_info",
  "isotel_snapshot_peek",
  "isotel_snapshot_render",
  "isotel_base_read",
  "isotel_base_take",
  "isotel_base_write",
  "isotel_snapshot_otlp",
  "isotel_negotiate",
  "isotel_content_type",
] as const;

/** Codes of src/export/formats.def. */
export const MetricsFormat = {
  text: 0,
  text1: 1,
  openMetrics: 2,
  protobuf: 3,
  json: 4,
} as const;

/** Metrics of src/metrics/aggregator_counters.def, in the order of isotel_snapshot_info(). */
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
] as const;

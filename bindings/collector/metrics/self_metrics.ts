import type { SelfMetric } from "../../metrics/self_metrics.ts";

/**
 * The self-metrics of a collector. Their values are the counts of CollectorCounts, by their names in the diagnostics.
 */
export const collectorMetrics: readonly SelfMetric[] = [
  {
    name: "isotel_collector_invocations",
    help: "Invocations of other Workers that a collector received, by result.",
    label: "result",
    counts: {
      followed: "collector_invocations",
      ignored: "collector_invocations_ignored",
      refused: "collector_invocations_refused",
      swept: "collector_invocations_swept",
    },
  },
  {
    name: "isotel_collector_spans",
    help: "Spans that a collector received, by result.",
    label: "result",
    counts: {
      exported: "collector_spans_exported",
      sampled_out: "collector_spans_sampled_out",
      limit: "collector_spans_dropped_limit",
      unopened: "collector_spans_dropped_unopened",
      late: "collector_spans_dropped_late",
      no_export: "collector_spans_dropped_no_export",
      failed: "collector_spans_dropped_failed",
    },
  },
  {
    name: "isotel_collector_spans_truncated",
    help: "Spans whose end a collector did not receive.",
    counts: { "": "collector_spans_truncated" },
  },
  {
    name: "isotel_collector_events_dropped",
    help: "Tail events that a collector ignored or did not receive.",
    label: "reason",
    counts: {
      repeated: "collector_events_repeated",
      missing: "collector_events_missing",
      lost: "collector_events_lost",
      unmatched: "collector_events_unmatched",
    },
  },
  {
    name: "isotel_collector_values_dropped",
    help: "Values of spans and log records that a collector left out.",
    label: "reason",
    counts: {
      attribute: "collector_attributes_dropped",
      span_event: "collector_span_events_dropped",
      log: "collector_logs_dropped",
      redact: "collector_redact_failures",
    },
  },
  {
    name: "isotel_collector_failures",
    help: "Internal errors of a collector that were not thrown to the runtime.",
    counts: { "": "collector_failures" },
  },
];

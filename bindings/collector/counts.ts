import { reportOnce } from "../core/report_once.ts";
import { errorType } from "../trace/cause.ts";

/** What became of what a collector was told. Every count only grows. */
export class CollectorCounts {
  /** Invocations that were followed, ignored for their service or purpose, and those that were too many. */
  invocations = 0;
  invocations_ignored = 0;
  invocations_refused = 0;
  /** Invocations that never ended, given up by their age. */
  invocations_swept = 0;
  /** Events that had been taken before, or came when they were no longer waited for. */
  events_repeated = 0;
  /** Events that never came, by the gaps in their numbers. */
  events_missing = 0;
  /** Events the runtime says it dropped. */
  events_lost = 0;
  /** Events about a span that nobody opened. */
  events_unmatched = 0;
  /**
   * Spans the runtime told of, by their opening or, where that is missing, by their end:
   * opened = exported + sampled_out + all dropped + open + those that wait for a decision.
   */
  spans_opened = 0;
  spans_exported = 0;
  spans_sampled_out = 0;
  /** Those of the exported whose end never came. */
  spans_truncated = 0;
  spans_dropped_limit = 0;
  spans_dropped_unopened = 0;
  spans_dropped_late = 0;
  spans_dropped_no_export = 0;
  spans_dropped_failed = 0;
  attributes_dropped = 0;
  span_events_dropped = 0;
  logs = 0;
  logs_dropped = 0;
  /** Values left out because `redact` threw, or answered with what is no text. */
  redact_failures = 0;
  /** Errors of ours that were kept from the runtime. */
  failures = 0;

  /** Counts such an error. Logged once for each type. */
  failed(cause: unknown): void {
    this.failures += 1;
    reportOnce(
      `isotel: the collector failed (${errorType(cause)}); what it was told of is missing.`,
    );
  }
}

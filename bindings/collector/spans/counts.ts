import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";

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

/** What a collector holds at most: an isolate has 128 MB for everything. What is beyond is left out and counted. */
export const limits = {
  /** Invocations that have begun and not ended. */
  openInvocations: 4_096,
  /** Spans open at once in one invocation, its own included. */
  openSpans: 1_024,
  attributesPerSpan: 1_024,
  /** UTF-16 units of the attributes of one span; the runtime keeps 64 KiB of those set on it. */
  attributeUnitsPerSpan: 131_072,
  /** UTF-16 units of attributes of all spans that have not been handed over. */
  heldUnits: 32_000_000,
  /** Exceptions of one span. */
  eventsPerSpan: 128,
  /** UTF-16 units of one text of a log record or an exception; longer ones are cut. */
  textUnits: 65_536,
  /** Events of one invocation that wait for one before them. */
  earlyEvents: 64,
  /** Services and versions of them that are told apart at once. */
  resources: 256,
  /**
   * Spans, and log records, that wait for each backend. The runtime hands over the events of one burst, up to 6,149
   * spans, without letting anything else run in between.
   */
  queuedItems: 8_192,
  /** Spans that wait for the decision about their trace. */
  undecidedSpans: 4_096,
  /** Traces whose decision is remembered. */
  traces: 4_096,
  /** GenAI spans of one invocation that wait for those above them, to be measured together. */
  unmeasuredSpans: 512,
  /** UTF-16 units of the attributes of such spans, of all invocations. */
  unmeasuredUnits: 8_000_000,
} as const;

/** An invocation that has been silent for so long never ends. */
export const idleTimeoutMs = 600_000;
/** A trace is decided on after so long, whether all of it has ended or not. */
export const undecidedTimeoutMs = 60_000;

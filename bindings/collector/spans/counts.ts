import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import { maxTextUnits } from "../../otlp/capture/console_record.ts";

/** Counts of a collector. No count ever decreases. */
export class CollectorCounts {
  /**
   * Followed invocations, invocations ignored because of their service or purpose, and invocations refused by the
   * limit.
   */
  invocations = 0;
  invocations_ignored = 0;
  invocations_refused = 0;
  /** Invocations that were ended because they had no events for too long. */
  invocations_swept = 0;
  /** Events that had already been received, or arrived too late. */
  events_repeated = 0;
  /** Events that never arrived, by the gaps in their sequence numbers. */
  events_missing = 0;
  /** Events that the runtime reports as dropped. */
  events_lost = 0;
  /** Events of a span that is not open. */
  events_unmatched = 0;
  /**
   * Spans that the runtime reported by their opening, or by their end if the opening is missing. Always opened =
   * exported + sampled_out + all dropped + open + waiting for a decision.
   */
  spans_opened = 0;
  spans_exported = 0;
  spans_sampled_out = 0;
  /** Exported spans whose end did not arrive. */
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
  /** Values that were left out because `redact` threw or returned neither a string nor undefined. */
  redact_failures = 0;
  /** Internal errors that were not thrown to the runtime. */
  failures = 0;

  /** Counts an internal error. Logged once per type of error. */
  failed(cause: unknown): void {
    this.failures += 1;
    reportOnce(
      `isotel: the collector failed (${errorType(cause)}); events of a Worker are missing.`,
    );
  }
}

/** Limits of a collector. An isolate has 128 MB for everything. Data above a limit is left out and counted. */
export const limits = {
  /** Invocations that have begun and not ended. */
  openInvocations: 4_096,
  /** Open spans of one invocation, including its root span. */
  openSpans: 1_024,
  attributesPerSpan: 1_024,
  /** UTF-16 units of the attributes of one span. The runtime keeps 64 KiB of the attributes that are set on it. */
  attributeUnitsPerSpan: 131_072,
  /** UTF-16 units of attributes of all spans that have not been passed on. */
  heldUnits: 32_000_000,
  /** Exceptions of one span. */
  eventsPerSpan: 128,
  /** UTF-16 units of one text of a log record or an exception. Longer texts are truncated. */
  textUnits: maxTextUnits as number,
  /** Events of one invocation that wait for an earlier event. */
  earlyEvents: 64,
  /** Resources that are remembered, one for each version of a service. */
  resources: 256,
  /**
   * Spans, and log records, that wait for each backend. The runtime delivers the events of one burst, up to 6,149
   * spans, without running anything else in between.
   */
  queuedItems: 8_192,
  /** Spans that wait for the decision about their trace. */
  undecidedSpans: 4_096,
  /** Traces whose decision is remembered. */
  traces: 4_096,
  /** GenAI spans of one invocation that wait for their ancestors, to be measured together. */
  unmeasuredSpans: 512,
  /** UTF-16 units of the attributes of such spans in all invocations. */
  unmeasuredUnits: 8_000_000,
} as const;

/** An invocation without events for this time in milliseconds is ended. */
export const idleTimeoutMs = 600_000;
/** A trace is decided after this time in milliseconds, even if it has not ended. */
export const undecidedTimeoutMs = 60_000;

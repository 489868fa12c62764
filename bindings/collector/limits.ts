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

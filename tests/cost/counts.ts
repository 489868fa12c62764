/** How often something happened that is paid for. */
export interface Counts {
  consumerInvocations: number;
  /** Calls of the Durable Object. */
  aggregatorCalls: number;
  alarmRuns: number;
  rowsRead: number;
  /** Of the database, and alarms that were set. */
  rowsWritten: number;
  kvReads: number;
  kvWrites: number;
  scrapes: number;
}

/** What the Worker of app.ts is told to do, and when. */
export interface Step {
  readonly what: "consume" | "send" | "scrape" | "alarm" | "nothing";
  readonly nowMs: number;
  /** In base64. */
  readonly frames?: readonly string[];
}

export interface StepAnswer {
  readonly counts: Counts;
  /** When the aggregator wants its alarm. */
  readonly alarmMs?: number;
}

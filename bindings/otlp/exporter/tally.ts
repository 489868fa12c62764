import { reportOnce } from "../../base/report_once.ts";

/** Reasons for dropping an item. */
const dropReasons = [
  /** The queue was full and a newer item took its place. */
  "queue_full",
  /** The item alone exceeds the size of one request. */
  "too_large",
  /** The item could not be encoded. */
  "not_encoded",
  /** The backend refused it: with a final status or in a partial success. */
  "rejected",
  /** The backend redirected to another host. Data and keys are not sent there. */
  "redirected",
  /** All attempts failed with temporary errors until the deadline. */
  "unavailable",
  /** The invocation ended while it sent the item. */
  "lost",
] as const;

export type DropReason = (typeof dropReasons)[number];

/** Counts of one signal at one backend. Always `made = accepted + all dropped + queued + sending`. */
export interface ExportCounts {
  readonly made: number;
  readonly accepted: number;
  /** Items that wait for the next flush. */
  readonly queued: number;
  /** Items in requests without a response so far. */
  readonly sending: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Requests that were answered, failed or timed out. */
  readonly requests: number;
  /** Status of the last response. 0 if there was none. */
  readonly lastStatus: number;
}

/** Counts of one signal at one backend. Logs once for each reason that items are dropped. */
export class Tally {
  readonly #url: string;
  made = 0;
  accepted = 0;
  requests = 0;
  lastStatus = 0;
  readonly dropped: Record<DropReason, number> = Object.fromEntries(
    dropReasons.map((reason) => [reason, 0]),
  ) as Record<DropReason, number>;

  /** @param url URL of the backend. */
  constructor(url: string) {
    this.#url = url;
  }

  drop(reason: DropReason, count: number): void {
    if (count === 0) return;
    this.dropped[reason] += count;
    const { host } = new URL(this.#url);
    reportOnce(
      `isotel: spans or log records for ${host} are dropped (${reason}, last status ${this.lastStatus}). ` +
        "isotel_otlp_items counts how many.",
    );
  }
}

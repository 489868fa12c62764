import { reportOnce } from "../../base/report_once.ts";

/** Why something that was to be sent was not taken. */
const dropReasons = [
  /** A newer one needed its place in the queue. */
  "queue_full",
  /** Alone larger than what the backend takes in one request. */
  "too_large",
  /** It could not be encoded. */
  "not_encoded",
  /** The backend refused it: an answer that is not to be repeated, or a partial success. */
  "rejected",
  /** The backend sent it on to another host, which gets neither data nor keys. */
  "redirected",
  /** Nothing but errors that may pass, until no time was left. */
  "unavailable",
  /** The invocation that was sending it ended. */
  "lost",
] as const;

export type DropReason = (typeof dropReasons)[number];

/** How much of a signal a backend took: `made = accepted + all dropped + queued + sending`. */
export interface ExportCounts {
  readonly made: number;
  readonly accepted: number;
  /** Waiting for the next flush. */
  readonly queued: number;
  /** In a request that has not been answered. */
  readonly sending: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Requests that were answered, failed or timed out. */
  readonly requests: number;
  /** Status of the last answer; 0 when there was none. */
  readonly lastStatus: number;
}

/** Counts of one signal at one backend. What is dropped is logged too, once for each reason. */
export class Tally {
  readonly #url: string;
  made = 0;
  accepted = 0;
  requests = 0;
  lastStatus = 0;
  readonly dropped: Record<DropReason, number> = Object.fromEntries(
    dropReasons.map((reason) => [reason, 0]),
  ) as Record<DropReason, number>;

  /** @param url of the backend. */
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

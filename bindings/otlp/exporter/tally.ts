import { reportOnce } from "../../base/report_once.ts";
import type { Signal } from "../backends/backend.ts";
import { answerNotice } from "./answer_notice.ts";
import type { SendOutcome } from "./sender.ts";

/** Reasons for dropping an item. */
const dropReasons = [
  /** The queue was full and a newer item took its place. */
  "queue_full",
  /** The invocation had more console lines than are exported. */
  "too_many",
  /** The item alone exceeds the size of one request. */
  "too_large",
  /** The item could not be encoded. */
  "not_encoded",
  /** The backend refused it: with a final status or in a partial success. */
  "rejected",
  /** The backend redirected to another host. Data and keys are not sent there. */
  "redirected",
  /** The backend was not available for an hour. */
  "unavailable",
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

/** Counts of one signal at one backend. Logs new answers and reasons to drop items, each once. */
export class Tally {
  readonly #backend: string;
  readonly #signal: Signal;
  made = 0;
  accepted = 0;
  requests = 0;
  lastStatus = 0;
  #isAvailable = true;
  readonly dropped: Record<DropReason, number> = Object.fromEntries(
    dropReasons.map((reason) => [reason, 0]),
  ) as Record<DropReason, number>;

  constructor(backend: string, signal: Signal) {
    this.#backend = backend;
    this.#signal = signal;
  }

  /** Counts items that are dropped before they are sent. */
  drop(reason: DropReason, count: number): void {
    if (count === 0) return;
    this.dropped[reason] += count;
    reportOnce(
      `isotel: ${this.#signal} for ${this.#backend}: items are dropped (${reason}). ` +
        "isotel_otlp_items counts how many.",
    );
  }

  /** Counts the outcome of a request of `count` items. */
  answered(outcome: SendOutcome, count: number): void {
    const { result, status } = outcome;
    this.requests += 1;
    this.lastStatus = status;
    const isFinal = result === "rejected" || result === "redirected";
    const rejected = result === "accepted" ? Math.min(outcome.rejected, count) : count;
    if (result === "accepted") this.accepted += count - rejected;
    if (result !== "unavailable") this.dropped[isFinal ? result : "rejected"] += rejected;
    const refused = this.dropped.rejected + this.dropped.redirected;
    const notice = answerNotice(this.#backend, this.#signal, outcome, refused);
    if (notice !== undefined) reportOnce(notice.message, undefined, notice.key);
    if (result === "accepted" && !this.#isAvailable) {
      reportOnce(`isotel: ${this.#signal} for ${this.#backend}: the backend takes data again.`);
    }
    this.#isAvailable = result !== "unavailable";
  }
}

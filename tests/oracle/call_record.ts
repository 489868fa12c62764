import type { Case } from "./dimensions.ts";
import type { Entry, ErrorView, Lane } from "./log.ts";

/** The expected end of a span. */
export type Outcome =
  | { readonly end: "finished" | "canceled" | "truncated" }
  /** Without a type if the caller learns that the work failed, but not why. */
  | { readonly end: "failed"; readonly errorType?: string }
  /** The runtime has stopped the work. The span may be marked as truncated, or end without a mark. */
  | { readonly end: "cut" };

export const finished: Outcome = { end: "finished" };
export const canceled: Outcome = { end: "canceled" };
export const truncated: Outcome = { end: "truncated" };
export const cut: Outcome = { end: "cut" };
export const failed: Outcome = { end: "failed" };
export const timedOut: Outcome = { end: "failed", errorType: "TimeoutError" };

/** A time after the last entry of a log. */
export const never: number = Number.POSITIVE_INFINITY;

export type Data = Readonly<Record<string, unknown>>;

/** Returns the properties of a value of the log. */
export function data(value: unknown): Data {
  return typeof value === "object" && value !== null ? (value as Data) : {};
}

/** Reads an error from a value of the log. `Log` has already turned an Error into a view. */
export function viewOf(value: unknown): ErrorView {
  if (typeof value === "object" && value !== null && "kind" in value) return value as ErrorView;
  const { name, message, type } = data(value);
  return {
    kind: typeof value,
    ...(typeof name === "string" ? { name } : {}),
    ...(typeof message === "string" ? { message } : {}),
    ...(typeof type === "string" ? { type } : {}),
  };
}

/** The `error.type` of an error. */
export function typeOf({ kind, name, type }: ErrorView): string {
  // In a stream, the SDK wraps a value that is not an Error.
  if (name === "AI_StreamProviderError" && type !== undefined) return type;
  if (kind === "error") return name === undefined || name === "" ? "Error" : name;
  return type ?? kind;
}

/** The log of one call, with the index of an entry as its time. */
export class CallRecord {
  readonly case: Case;
  readonly entries: readonly Entry[];

  constructor(value: Case, entries: readonly Entry[]) {
    this.case = value;
    this.entries = entries;
  }

  at(lane: Lane, what: string): number {
    const index = this.entries.findIndex((entry) => entry.lane === lane && entry.what === what);
    return index < 0 ? never : index;
  }

  /** When the caller's own signal aborted. */
  get abortedAt(): number {
    return this.at("signal", "aborted");
  }

  /** When the first signal aborted: the caller's signal, or the signal that the model got. */
  get stoppedAt(): number {
    return Math.min(this.abortedAt, this.at("signal", "model told to stop"));
  }

  /** The end of work that an abort stops. */
  get abortOutcome(): Outcome {
    const reason = this.entries[this.abortedAt]?.error;
    // If the caller's signal has not aborted, it is a timeout of the SDK.
    return reason === undefined || reason.name === "TimeoutError" ? timedOut : canceled;
  }

  /** The possible ends of work that failed with an error at this time. */
  failuresWith(error: ErrorView, at: number): Outcome[] {
    const isAbort = error.name === "AbortError" && this.abortedAt >= at && this.stoppedAt < at;
    // Some ways to observe a call do not report the timeouts of the SDK.
    return isAbort ? [this.failedWith(error, at), canceled] : [this.failedWith(error, at)];
  }

  /** The end of work that failed with an error at this time. */
  failedWith(error: ErrorView, at: number): Outcome {
    const isAbort = error.name === "AbortError";
    if (this.abortedAt < at) {
      const { abortOutcome } = this;
      return abortOutcome.end === "failed" && !isAbort ? failedAs(error) : abortOutcome;
    }
    if (!isAbort) return failedAs(error);
    return this.stoppedAt < at ? this.abortOutcome : canceled;
  }
}

function failedAs(error: ErrorView): Outcome {
  // This error of the SDK says only that there was another error.
  const isVague = error.name === "AI_NoOutputGeneratedError" && error.cause === undefined;
  return isVague ? failed : { end: "failed", errorType: typeOf(error) };
}

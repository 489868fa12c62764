import type { Case } from "./dimensions.ts";
import type { Entry, ErrorView, Lane } from "./log.ts";

/** What a span must say about how its work ended. */
export type Outcome =
  | { readonly end: "finished" | "canceled" | "truncated" }
  /** Without a type: the caller learns that the work failed, but not why. */
  | { readonly end: "failed"; readonly errorType?: string }
  /** The runtime has stopped the work. The span may say so, or end without a mark. */
  | { readonly end: "cut" };

export const finished: Outcome = { end: "finished" };
export const canceled: Outcome = { end: "canceled" };
export const truncated: Outcome = { end: "truncated" };
export const cut: Outcome = { end: "cut" };
export const failed: Outcome = { end: "failed" };
const timedOut: Outcome = { end: "failed", errorType: "TimeoutError" };

/** A time after the last entry of a log. */
export const never: number = Number.POSITIVE_INFINITY;

export type Data = Readonly<Record<string, unknown>>;

/** Returns the properties of a value of the log. */
export function data(value: unknown): Data {
  return typeof value === "object" && value !== null ? (value as Data) : {};
}

/** Reads an error in a value of the log. `Log` has turned it into a view, unless it is no Error. */
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
  // The SDK wraps what is no Error in a stream.
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

  /** When the first signal told anyone to stop: the caller's own, or the one that the model got. */
  get stoppedAt(): number {
    return Math.min(this.abortedAt, this.at("signal", "model told to stop"));
  }

  /** How work ends that an abort stops. */
  get abortOutcome(): Outcome {
    const reason = this.entries[this.abortedAt]?.error;
    // Without a signal of the caller's, it is a timeout of the SDK.
    return reason === undefined || reason.name === "TimeoutError" ? timedOut : canceled;
  }

  /** How work may end that failed with an error at some time. */
  failuresWith(error: ErrorView, at: number): Outcome[] {
    const isAbort = error.name === "AbortError" && this.abortedAt >= at && this.stoppedAt < at;
    // Not every way to observe a call sees the timeouts of the SDK.
    return isAbort ? [this.failedWith(error, at), canceled] : [this.failedWith(error, at)];
  }

  /** How work ends that failed with an error at some time. */
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
  // The SDK's own error says only that there was another one.
  const isVague = error.name === "AI_NoOutputGeneratedError" && error.cause === undefined;
  return isVague ? failed : { end: "failed", errorType: typeOf(error) };
}

import { abortReason, isCancellation, isTimeout } from "../../base/cause.ts";
import { Field, Outcome } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import type { Span } from "../../trace/span.ts";
import { addFailure } from "./response.ts";

/** How the work of a span ended. */
export interface Ending {
  /** A code of `Outcome`. */
  readonly outcome: number;
  /** The error, if the work failed. */
  readonly cause?: unknown;
  /** Whether an abort or a timeout stopped the work. Work inside it then ends for the same reason. */
  readonly isAbort?: boolean;
  /** Why the work was aborted, if it was cancelled and its caller gave a reason that may be recorded. */
  readonly reason?: string | undefined;
}

export const finishing: Ending = { outcome: Outcome.finished };
export const cancelling: Ending = { outcome: Outcome.cancelled, isAbort: true };
export const truncating: Ending = { outcome: Outcome.truncated };

export function failing(cause: unknown): Ending {
  return { outcome: Outcome.failed, cause };
}

/** Ends a span with the ending of its work. */
export function closeSpan(
  span: Span,
  { outcome, cause, reason }: Ending,
  fields: SpanFields = span.newFields(),
): void {
  if (outcome === Outcome.failed) {
    addFailure(fields, cause, span.recordsErrors);
    span.closeWithCause(cause, fields);
    return;
  }
  span.close(outcome, fields.text(Field.abortReason, reason));
}

/** `error.type` of a tool whose result is an error without a code. */
export const toolError = "tool_error";

/** Ends the span of a tool that has answered. `error` is the `error.type` of an answer that is an error. */
export function closeTool(span: Span, fields: SpanFields, error: string | undefined): void {
  fields.verbatim(Field.errorType, error);
  span.close(error === undefined ? Outcome.finished : Outcome.failed, fields);
}

/**
 * The signals that can abort a call: the caller's signal, and the signals that the SDK derives from it and from
 * timeouts. They distinguish a cancellation from an error, because an abort may reject with any reason.
 */
export class CallSignals {
  // An array, because there is rarely more than one.
  readonly #signals: AbortSignal[] = [];

  /** Adds a signal. Anything else is ignored. */
  add(signal: unknown): void {
    if (!(signal instanceof AbortSignal) || this.#signals.includes(signal)) return;
    this.#signals.push(signal);
  }

  get hasAborted(): boolean {
    return this.#signals.some((signal) => signal.aborted);
  }

  /** Returns the ending of work that stopped because of an abort. Undefined if no signal has aborted. */
  abortEnding(): Ending | undefined {
    const signal = this.#signals.find(({ aborted }) => aborted);
    return signal && endingOfAbort(signal.reason);
  }

  /**
   * Returns the ending of work that failed. After the caller has aborted, every failure is a cancellation. A timeout is
   * a failure.
   *
   * @param own A signal of the work itself.
   */
  endingOf(cause: unknown, own?: unknown): Ending {
    const aborted =
      own instanceof AbortSignal && own.aborted ? endingOfAbort(own.reason) : this.abortEnding();
    if (aborted === undefined) return isCancellation(cause) ? cancelling : failing(cause);
    // Work that a timeout stops may reject with the reason or with an AbortError. Any other error is a failure of the
    // work.
    const isOwnError =
      aborted.outcome === Outcome.failed && cause !== aborted.cause && !isCancellation(cause);
    return isOwnError ? failing(cause) : aborted;
  }
}

/** Returns the ending of work that was aborted with this reason. */
export function endingOfAbort(reason: unknown): Ending {
  return isTimeout(reason)
    ? { outcome: Outcome.failed, cause: reason, isAbort: true }
    : { outcome: Outcome.cancelled, reason: abortReason(reason), isAbort: true };
}

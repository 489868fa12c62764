import { type FinishedSpan, StatusCode } from "../core/model.ts";

/** Rules for keeping a trace after it has ended. A trace is kept if one rule applies. */
export interface TailSampling {
  /** Keeps traces with a failed span. Default: true. */
  readonly errors?: boolean | undefined;
  /** Keeps traces that took at least this many milliseconds. Default: duration is not considered. */
  readonly slowMs?: number | undefined;
  /** Keeps this fraction of the other traces, 0 to 1. Default: 0. */
  readonly ratio?: number | undefined;
}

/** Returns whether to keep the given spans of one trace, which ended in this isolate. */
export type TailDecision = (traceId: string, spans: readonly FinishedSpan[]) => boolean;

/**
 * Returns the decision function for tail sampling options.
 *
 * @param keepsRatio The ratio-based decision. It must depend on trace id and ratio only, so that all processes agree.
 */
export function tailDecision(
  { errors = true, slowMs = Number.POSITIVE_INFINITY, ratio = 0 }: TailSampling,
  keepsRatio: (traceId: string, ratio: number) => boolean,
): TailDecision {
  return (traceId, spans) => {
    let start = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const { status, startUnixMs, endUnixMs } of spans) {
      if (errors && status.code === StatusCode.error) return true;
      start = Math.min(start, startUnixMs);
      end = Math.max(end, endUnixMs);
    }
    return end - start >= slowMs || keepsRatio(traceId, ratio);
  };
}

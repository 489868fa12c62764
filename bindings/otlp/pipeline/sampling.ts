import { type FinishedSpan, StatusCode } from "../core/model.ts";

/** Which traces are kept once they have ended. */
export interface TailSampling {
  /** Keeps traces with a span that failed; true unless given. */
  readonly errors?: boolean | undefined;
  /** Keeps traces that took at least so many milliseconds. */
  readonly slowMs?: number | undefined;
  /** Keeps this share of the others, 0 to 1; 0 unless given. */
  readonly ratio?: number | undefined;
}

/** Decides about the spans of one trace that ended in this isolate. */
export type TailDecision = (traceId: string, spans: readonly FinishedSpan[]) => boolean;

/** @param keepsRatio the decision by ratio, which is the same for a trace wherever it is made. */
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

import { aggregatorCounterNames } from "../../aggregate/abi.gen.ts";
import type { SendOutcome } from "../exporter/sender.ts";
import type { Part } from "./encode_part.ts";
import type { TargetPlan } from "./read_metrics_options.ts";
import type { TargetCounts } from "./target_store.ts";

type CountName = "accepted" | "rejected" | "dropped" | "failed";

/** Where what became of data points and requests is counted in the totals. */
export const counters: Readonly<Record<CountName, number>> = {
  accepted: aggregatorCounterNames.indexOf("isotel_otlp_points_accepted"),
  rejected: aggregatorCounterNames.indexOf("isotel_otlp_points_rejected"),
  dropped: aggregatorCounterNames.indexOf("isotel_otlp_points_dropped"),
  failed: aggregatorCounterNames.indexOf("isotel_otlp_metric_requests_failed"),
};

export type Counted = Readonly<Partial<Record<CountName, number>>>;

/** What became of the data points of a part; without an outcome it could not be sent. */
export function pointsOf(
  { points }: Part,
  outcome: SendOutcome | undefined,
): { accepted: number; rejected: number; dropped: number } {
  if (outcome === undefined) return { accepted: 0, rejected: 0, dropped: points };
  if (outcome.dropped !== undefined) return { accepted: 0, rejected: points, dropped: 0 };
  const rejected = Math.min(outcome.rejected, points);
  return { accepted: points - rejected, rejected, dropped: 0 };
}

/** What is to be told of an outcome that is no success: of a status only when it is new. */
export function messagesOf(
  { backend, destination }: TargetPlan,
  outcome: SendOutcome | undefined,
  { rejected, dropped }: { readonly rejected: number; readonly dropped: number },
  before: TargetCounts,
): string[] {
  const to = `isotel: metrics for ${backend}`;
  if (outcome === undefined) {
    return dropped > 0 ? [`${to}: a data point is larger than ${destination.maxBytes} bytes`] : [];
  }
  const { status } = outcome;
  if (outcome.dropped === undefined) {
    return rejected > 0 ? [`${to}: ${rejected} data points of a request were refused`] : [];
  }
  if (status === before.lastStatus && before.requests > 0) return [];
  const answer = status === 0 ? "no answer" : `status ${status}`;
  const isFinal = outcome.dropped !== "unavailable";
  return [`${to}: ${answer}${isFinal ? `, ${rejected} data points were refused` : ""}`];
}

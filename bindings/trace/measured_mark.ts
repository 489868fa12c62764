import { reportOnce } from "../base/report_once.ts";
import type { SpanRuntime } from "./span_runtime.ts";

/**
 * Attribute of the runtime's span of an invocation. It lists what this Worker has recorded of the invocation, so that a
 * collector does not record it again.
 */
export const measuredKey = "isotel.measured";

/** Items in the value of {@link measuredKey}: the request's duration, and model calls. */
export const measuredRequest = "request";
export const measuredGenAi = "gen_ai";
const measuredBoth = `${measuredRequest} ${measuredGenAi}`;

/** Marks the current invocation. Never throws. */
export function markMeasured(runtime: SpanRuntime, hasRequest: boolean, hasGenAi: boolean): void {
  if (!hasRequest && !hasGenAi) return;
  try {
    const one = hasRequest ? measuredRequest : measuredGenAi;
    runtime.activeSpan()?.setAttribute(measuredKey, hasRequest && hasGenAi ? measuredBoth : one);
  } catch (cause) {
    reportOnce("isotel: an invocation cannot be marked; a collector measures it again.", cause);
  }
}

/** Whether the mark of an invocation says that its Worker has recorded `what`. */
export function isMeasured(mark: unknown, what: string): boolean {
  return typeof mark === "string" && mark.split(" ").includes(what);
}

import { reportOnce } from "../base/report_once.ts";
import type { SpanRuntime } from "./span_runtime.ts";

/** Said of the runtime's span of an invocation: what this Worker has recorded of it, so that a collector does not. */
export const measuredKey = "isotel.measured";

/** Values of {@link measuredKey}: whether the request's duration was recorded, and the calls of models. */
export const measuredRequest = "request";
export const measuredGenAi = "gen_ai";
const measuredBoth = `${measuredRequest} ${measuredGenAi}`;

/** Marks the invocation that runs. Never throws. */
export function markMeasured(runtime: SpanRuntime, hasRequest: boolean, hasGenAi: boolean): void {
  if (!hasRequest && !hasGenAi) return;
  try {
    const one = hasRequest ? measuredRequest : measuredGenAi;
    runtime.activeSpan()?.setAttribute(measuredKey, hasRequest && hasGenAi ? measuredBoth : one);
  } catch (cause) {
    reportOnce("isotel: an invocation cannot be marked; a collector measures it again.", cause);
  }
}

/** Whether an invocation's mark says that its Worker has recorded this. */
export function isMeasured(mark: unknown, what: string): boolean {
  return typeof mark === "string" && mark.split(" ").includes(what);
}

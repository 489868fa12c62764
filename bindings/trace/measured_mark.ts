import { reportOnce } from "../base/report_once.ts";
import { Recorded } from "./invocation_scope.ts";
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
const { request, genAi } = Recorded;

/**
 * Marks the current invocation. Never throws.
 *
 * @param recorded bits of {@link Recorded}.
 */
export function markMeasured(runtime: SpanRuntime, recorded: number): void {
  const measured = recorded & (request | genAi);
  if (measured === 0) return;
  try {
    const one = measured === request ? measuredRequest : measuredGenAi;
    const isBoth = measured === (request | genAi);
    runtime.activeSpan()?.setAttribute(measuredKey, isBoth ? measuredBoth : one);
  } catch (cause) {
    reportOnce("isotel: an invocation cannot be marked; a collector measures it again.", cause);
  }
}

/** Whether the mark of an invocation says that its Worker has recorded `what`. */
export function isMeasured(mark: unknown, what: string): boolean {
  return typeof mark === "string" && mark.split(" ").includes(what);
}

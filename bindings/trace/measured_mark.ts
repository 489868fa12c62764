import { reportOnce } from "../base/report_once.ts";
import { Recorded } from "./invocation_scope.ts";
import type { SpanRuntime } from "./span_runtime.ts";

/**
 * Attribute of the runtime's span of an invocation. It lists what this Worker has recorded of the invocation, so that a
 * collector does not record it again.
 */
export const measuredKey = "isotel.measured";

/** Items in the value of {@link measuredKey}: the duration of the invocation or request, and model calls. */
export const measuredDuration = "duration";
export const measuredGenAi = "gen_ai";
const measuredBoth = `${measuredDuration} ${measuredGenAi}`;

/** Returns a function that marks the current invocation with bits of {@link Recorded}. Neither throws. */
export function invocationMark(runtime: SpanRuntime): (recorded: number) => void {
  const span = guarded(() => runtime.activeSpan());
  let marked = "";
  return (recorded) => {
    const hasDuration = (recorded & Recorded.duration) !== 0;
    const hasGenAi = (recorded & Recorded.genAi) !== 0;
    const one = hasDuration ? measuredDuration : hasGenAi ? measuredGenAi : "";
    const mark = hasDuration && hasGenAi ? measuredBoth : one;
    if (mark === marked) return;
    marked = mark;
    guarded(() => span?.setAttribute(measuredKey, mark));
  };
}

function guarded<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (cause) {
    reportOnce("isotel: an invocation cannot be marked; a collector measures it again.", cause);
    return undefined;
  }
}

/** Whether the mark of an invocation says that its Worker has recorded `what`. */
export function isMeasured(mark: unknown, what: string): boolean {
  return typeof mark === "string" && mark.split(" ").includes(what);
}

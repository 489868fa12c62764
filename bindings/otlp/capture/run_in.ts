import { errorType, isCancellation, type Outcome } from "../../base/cause.ts";
import { isThenable } from "../../base/values.ts";
import { CapturedSpan } from "./captured_span.ts";
import { type ActiveContext, activeContext } from "./context.ts";

const { prototype } = Promise;

/** Runs a body in a context. Ends its group, and its span if it has one, when the body has settled. */
export function runIn<T>(context: ActiveContext, body: () => T): T {
  const { group } = context;
  const span = context instanceof CapturedSpan ? context : undefined;
  const end = (outcome: Outcome): void => {
    try {
      if (span !== undefined) close(span, outcome);
    } catch (cause) {
      group.pipeline.countFailure(cause);
    }
    group.over();
  };
  let result: T;
  try {
    result = activeContext.run(context, body);
  } catch (cause) {
    end({ cause });
    throw cause;
  }
  if (!isThenable(result)) {
    end({ result });
    return result;
  }
  const promise = result instanceof Promise ? result : Promise.resolve(result);
  prototype.then.call(
    promise,
    (value: unknown) => end({ result: value }),
    (cause: unknown) => end({ cause }),
  );
  return promise as T;
}

/**
 * Returns a function that continues the current invocation in a call of the runtime that has lost its context, such as
 * that of a Workflow's step. The spans of each call are sent when it is over. Undefined outside of an invocation.
 */
export function continuation(): (<T>(body: () => T) => T) | undefined {
  const context = activeContext.getStore();
  if (context === undefined) return undefined;
  const { group, parent } = context;
  return (body) => runIn({ group: group.next(), parent }, body);
}

function close(span: CapturedSpan, outcome: Outcome): void {
  if ("cause" in outcome) fail(span, outcome.cause);
  else if (outcome.result instanceof Response) {
    const { status } = outcome.result;
    span.setAttribute("http.response.status_code", status);
    if (status >= 500) {
      span.setAttribute("error.type", String(status));
      span.setStatus({ code: "error" });
    }
  }
  span.end();
}

function fail(span: CapturedSpan, cause: unknown): void {
  if (isCancellation(cause)) return;
  const type = errorType(cause);
  span.setAttribute("error.type", type);
  span.setStatus({ code: "error" });
  span.recordFailure(type);
}

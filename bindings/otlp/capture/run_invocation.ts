import type { Outcome } from "../../base/cause.ts";
import { errorType, isCancellation } from "../../base/cause.ts";
import type { WaitUntil } from "../../base/time.ts";
import { isThenable } from "../../base/values.ts";
import { newSpanId, newTraceId } from "../core/ids.ts";
import { sampledFlag } from "../core/model.ts";
import { remoteParent } from "../core/propagation.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { SpanGroup } from "../pipeline/span_group.ts";
import { CapturedSpan } from "./captured_span.ts";
import type { CompositeRuntime } from "./composite_runtime.ts";
import { type ActiveContext, activeContext } from "./context.ts";
import { type InvocationSpan, invocationSpan } from "./invocation_span.ts";

/** One call of a handler or method by the runtime. */
export interface HandlerCall {
  /** The name of the handler. */
  readonly handler: string;
  /** Its first argument. */
  readonly event: unknown;
  /** The original `waitUntil` of the invocation's context. A promise passed to it does not keep a scope open. */
  readonly waitUntil: WaitUntil | undefined;
}

const { prototype } = Promise;

/**
 * Runs a body as an invocation. The spans of the invocation are sent when it is over. If the runtime has no active span
 * with ids, the invocation of a handler gets a span. That span continues the trace of the incoming request.
 *
 * @returns The result of `body`. A thenable that is not a promise is returned as a promise.
 */
export function runInvocation<T>(
  invocation: HandlerCall,
  runtime: CompositeRuntime,
  pipeline: Pipeline,
  body: () => T,
): T {
  // A handler that another handler calls belongs to the same invocation.
  if (activeContext.getStore()?.group.isOver === false) return body();
  const group = new SpanGroup(pipeline, invocation.waitUntil);
  let context: ActiveContext = { group, parent: undefined };
  try {
    context = open(invocation, runtime, group) ?? context;
  } catch (cause) {
    // The event is invalid or the runtime has no entropy. The invocation gets no span.
    pipeline.countFailure(cause);
  }
  const span = context instanceof CapturedSpan ? context : undefined;
  const end = (outcome: Outcome): void => {
    try {
      if (span !== undefined) close(span, outcome);
    } catch (cause) {
      pipeline.countFailure(cause);
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
 * Opens the span of the invocation. Returns the context of an unsampled trace if the trace is not recorded. Returns
 * undefined if the invocation gets no span.
 */
function open(
  { handler, event }: HandlerCall,
  runtime: CompositeRuntime,
  group: SpanGroup,
): ActiveContext | undefined {
  const { pipeline } = group;
  const { route, invocationSpan: isWanted } = pipeline.settings;
  if (!pipeline.takesSpans || isWanted === false) return undefined;
  const outer = runtime.nativeParent();
  if (outer !== undefined && isWanted !== true) return undefined;
  const described = invocationSpan(handler, event, route);
  if (described === undefined) return undefined;
  const { request } = described;
  const parent = outer ?? (request && remoteParent(request.headers));
  const traceId = parent?.traceId ?? newTraceId();
  const isRecorded = pipeline.samples(traceId, parent?.isRemote ? parent.flags : undefined);
  const flags = isRecorded ? sampledFlag : 0;
  const identity = { traceId, spanId: newSpanId(), flags };
  if (!isRecorded) {
    const traceState = parent?.traceState ?? "";
    return { group, parent: { ...identity, traceState, isRemote: false } };
  }
  return start(new CapturedSpan(described.name, identity, parent, group, undefined), described);
}

function start(span: CapturedSpan, { kind, attributes }: InvocationSpan): CapturedSpan {
  span.kind = kind;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) span.setAttribute(key, value);
  }
  return span;
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

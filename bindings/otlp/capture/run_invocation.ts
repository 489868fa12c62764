import type { Outcome } from "../../base/cause.ts";
import { errorType, isCancellation } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import type { WaitUntil } from "../../base/time.ts";
import { isThenable } from "../../base/values.ts";
import { idsOf, newSpanId, newTraceId } from "../core/ids.ts";
import { isSampled, type ParentSpan, sampledFlag } from "../core/model.ts";
import { remoteParent } from "../core/propagation.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { SpanGroup } from "../pipeline/span_group.ts";
import { CapturedSpan } from "./captured_span.ts";
import type { CompositeRuntime } from "./composite_runtime.ts";
import { type ActiveContext, activeContext } from "./context.ts";
import { type Call, invocationSpan, type WorkflowRun } from "./invocation_span.ts";

/** One call of a handler or method by the runtime. */
export interface HandlerCall extends Call {
  /** The original `waitUntil` of the invocation's context. A promise passed to it does not keep a scope open. */
  readonly waitUntil: WaitUntil | undefined;
}

const { prototype } = Promise;

/**
 * Runs a body as an invocation. The spans of the invocation are sent when it is over. The invocation gets a span:
 *
 * - With native tracing, it has the ids of the runtime's active span, so that spans inside have the same parent in both
 *   trees. A `traceparent` of another trace becomes a link, because the runtime does not continue that trace.
 * - Otherwise it continues the trace of the `traceparent`, or begins one.
 * - The span of a Workflow has ids that depend on the instance. A Workflow that slept runs again from the start, maybe
 *   in another isolate, and its steps belong to one tree.
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
  return runIn(context, body);
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

/** Runs a body in a context. Ends its group, and its span if it has one, when the body has settled. */
function runIn<T>(context: ActiveContext, body: () => T): T {
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
 * Opens the span of the invocation. Returns the context of an unsampled trace if the trace is not recorded. Returns
 * undefined if the invocation gets no span.
 */
function open(
  call: HandlerCall,
  runtime: CompositeRuntime,
  group: SpanGroup,
): ActiveContext | undefined {
  const { pipeline } = group;
  const { route, invocationSpan: isWanted } = pipeline.settings;
  if (!pipeline.takesSpans || isWanted === false) return undefined;
  const { name, kind, handler, attributes } = invocationSpan(call, route);
  const isWorkflow = handler === "workflow";
  const native = runtime.nativeParent();
  const own = isWorkflow ? workflowIds(call) : native;
  const given = handler === "fetch" ? givenParent(call.args[0] as Request, pipeline) : undefined;
  const mayContinue = own === undefined || own.traceId === given?.parent.traceId;
  const parent = given?.isContinued === true && mayContinue ? given.parent : undefined;
  const linked = parent === undefined ? given?.parent : undefined;
  const traceId = own?.traceId ?? parent?.traceId ?? newTraceId();
  const isRecorded = parent === undefined ? pipeline.samples(traceId) : isSampled(parent);
  const spanId = own?.spanId ?? newSpanId();
  const identity = { traceId, spanId, flags: isRecorded ? sampledFlag : 0 };
  if (!isRecorded) {
    const traceState = parent?.traceState ?? "";
    return { group, parent: { ...identity, traceState, isRemote: false } };
  }
  const links = [linked, isWorkflow ? native : undefined].filter((link) => link !== undefined);
  const startUnixMs = isWorkflow ? Number((call.args[0] as WorkflowRun).timestamp) : undefined;
  const span = new CapturedSpan(name, identity, parent, group, { kind, startUnixMs, links });
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) span.setAttribute(key, value);
  }
  return span;
}

function workflowIds({ args }: HandlerCall) {
  const { instanceId, timestamp } = args[0] as WorkflowRun;
  // An instance that is restarted has another time.
  return idsOf(`${instanceId} ${Number(timestamp)}`);
}

/** Returns the parent in the headers of a request, and whether its trace is continued. */
function givenParent(
  request: Request,
  { settings: { incomingContext = "continue" } }: Pipeline,
): { readonly parent: ParentSpan; readonly isContinued: boolean } | undefined {
  const parent = remoteParent(request.headers);
  if (parent === undefined) return undefined;
  let use = incomingContext;
  if (typeof use === "function") {
    try {
      use = use(request);
    } catch (cause) {
      use = "link";
      reportOnce(`isotel: the option incomingContext failed (${errorType(cause)}).`);
    }
  }
  return use === "ignore" ? undefined : { parent, isContinued: use === "continue" };
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

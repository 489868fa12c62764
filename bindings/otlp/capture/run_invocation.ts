import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import { recordedByOthers } from "../../base/shared.ts";
import type { WaitUntil } from "../../base/time.ts";
import type { Call } from "../../trace/call.ts";
import { currentScope, Recorded } from "../../trace/invocation_scope.ts";
import type { ContextHeaders } from "../../trace/tracer.ts";
import { idsOf, newSpanId, newTraceId } from "../core/ids.ts";
import { type ParentSpan, sampledFlag } from "../core/model.ts";
import { remoteParent } from "../core/propagation.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { SpanGroup } from "../pipeline/span_group.ts";
import { CapturedSpan } from "./captured_span.ts";
import type { CompositeRuntime } from "./composite_runtime.ts";
import { type ActiveContext, activeContext } from "./context.ts";
import { invocationSpan, type WorkflowRun } from "./invocation_span.ts";
import { runIn } from "./run_in.ts";

/** One call of a handler or method by the runtime. */
export interface HandlerCall extends Call {
  /** The original `waitUntil` of the invocation's context. A promise passed to it does not keep a scope open. */
  readonly waitUntil: WaitUntil | undefined;
}

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
  // The other version has the span of the invocation. Spans of this one begin traces.
  if ((recordedByOthers() & Recorded.span) !== 0) return body();
  const group = new SpanGroup(pipeline, invocation.waitUntil);
  const scope = currentScope();
  let context: ActiveContext = { group, parent: undefined };
  try {
    context = open(invocation, runtime, group) ?? context;
  } catch (cause) {
    // The event is invalid or the runtime has no entropy. The invocation gets no span.
    pipeline.countFailure(cause);
  }
  if (scope !== undefined) scope.onAbandon = () => abandon(context);
  return runIn(context, body);
}

/** Ends the span of an invocation that the runtime stops, whose handler never settles. */
function abandon(context: ActiveContext): void {
  if (context instanceof CapturedSpan && context.isTraced) {
    context.setAttribute("cloudflare.outcome", "canceled");
    context.setAttribute("cloudflare.agents.span.truncated", true);
    context.end();
  }
  context.group.over();
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
  const scope = currentScope();
  if (scope !== undefined) scope.recorded |= Recorded.span;
  const { name, kind, handler, attributes } = invocationSpan(call, route);
  const isWorkflow = handler === "workflow";
  const native = runtime.nativeParent();
  const own = isWorkflow ? workflowIds(call) : native;
  const isBatch = handler === "queue";
  const given = isBatch ? undefined : givenParent(call, pipeline);
  // A Workflow has a trace of its own only if it was started outside of any.
  const mayContinue = own === undefined || isWorkflow || own.traceId === given?.parent.traceId;
  const parent = given?.isContinued === true && mayContinue ? given.parent : undefined;
  const linked = parent === undefined ? given?.parent : undefined;
  const traceId = parent?.traceId ?? own?.traceId ?? newTraceId();
  const isRecorded = pipeline.samples(traceId, parent?.flags);
  const spanId = own?.spanId ?? newSpanId();
  const identity = { traceId, spanId, flags: isRecorded ? sampledFlag : 0 };
  if (!isRecorded) {
    const traceState = parent?.traceState ?? "";
    return { group, parent: { ...identity, traceState, isRemote: false } };
  }
  const links = isBatch
    ? carried(call.carriers)
    : [linked, isWorkflow ? native : undefined].filter((link) => link !== undefined);
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

/** Returns the parent that the caller sent, and whether its trace is continued. */
function givenParent(
  { handler, args, carriers }: HandlerCall,
  { settings: { incomingContext = "continue" } }: Pipeline,
): { readonly parent: ParentSpan; readonly isContinued: boolean } | undefined {
  if (handler !== "fetch") {
    const [parent] = carried(carriers);
    return parent && { parent, isContinued: true };
  }
  const request = args[0] as Request;
  const parent = remoteParent((name) => request.headers.get(name));
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

function carried(carriers: readonly ContextHeaders[] = []): ParentSpan[] {
  return carriers
    .map((carrier) => remoteParent((name) => carrier[name]))
    .filter((parent) => parent !== undefined);
}

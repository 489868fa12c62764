import type { ParentSpan } from "../capture/context.ts";
import { formatTraceParent, parseTraceParent, parseTraceState } from "../propagation.ts";

/** The span that `traceparent` and `tracestate` name; undefined when there is none, or it is malformed. */
export function remoteParent(headers: Headers): ParentSpan | undefined {
  const traceparent = headers.get("traceparent");
  const parent = traceparent === null ? undefined : parseTraceParent(traceparent);
  if (parent === undefined) return undefined;
  const tracestate = headers.get("tracestate");
  const traceState = tracestate === null ? "" : parseTraceState(tracestate);
  return { ...parent, traceState, isRemote: true };
}

/** Names a span in the headers of a request. */
export function setParent(headers: Headers, parent: ParentSpan): void {
  headers.set("traceparent", formatTraceParent(parent));
  if (parent.traceState !== "") headers.set("tracestate", parent.traceState);
}

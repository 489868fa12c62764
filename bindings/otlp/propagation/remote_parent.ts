import type { ParentSpan } from "../capture/context.ts";

const version00 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** Later versions may go on after the flags. */
const laterVersion = /^(?!ff|00)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
/** https://www.w3.org/TR/trace-context/#tracestate-limits */
const maxTraceStateChars = 512;

/** The span that `traceparent` and `tracestate` name; undefined when there is none, or it is malformed. */
export function remoteParent(headers: Headers): ParentSpan | undefined {
  const header = headers.get("traceparent")?.trim() ?? "";
  const [, traceId = "", spanId = "", flags = ""] =
    version00.exec(header) ?? laterVersion.exec(header) ?? [];
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return undefined;
  const traceState = headers.get("tracestate")?.trim() ?? "";
  return {
    traceId,
    spanId,
    flags: Number.parseInt(flags, 16),
    traceState: traceState.length <= maxTraceStateChars ? traceState : "",
    isRemote: true,
  };
}

/** The two headers for a child of `parent`; `tracestate` is empty for none. */
export function formatParent({ traceId, spanId, flags, traceState }: ParentSpan): {
  readonly traceparent: string;
  readonly tracestate: string;
} {
  const flagText = flags.toString(16).padStart(2, "0");
  return { traceparent: `00-${traceId}-${spanId}-${flagText}`, tracestate: traceState };
}

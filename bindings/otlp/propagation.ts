import { OtlpAbi } from "./abi.gen.ts";
import { otlpHost } from "./otlp_core.ts";
import { sampledFlag } from "./trace_flags.ts";

/** What a traceparent header says of the span that sent it. */
export interface TraceParent {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** W3C trace flags, eight bits. */
  readonly flags: number;
}

/** Reads a traceparent header; undefined when it is not valid, by W3C Trace Context: a new trace starts then. */
export function parseTraceParent(header: string): TraceParent | undefined {
  const text = otlpHost.attempt((core) => core.traceParent(header), undefined);
  if (text === undefined) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = text.split("-");
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** The traceparent header of a span. */
export function formatTraceParent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${(flags & 0xff).toString(16).padStart(2, "0")}`;
}

/**
 * Reads a tracestate header (several of them joined by commas): its members without white space, at most 512
 * characters. Empty when it is not valid, which is to be treated as if there were none.
 */
export function parseTraceState(header: string): string {
  return otlpHost.attempt((core) => core.traceState(header), undefined) ?? "";
}

/**
 * OpenTelemetry's parent-based sampler over TraceIdRatioBased: a span goes with its parent, of traces that start here the
 * fraction `ratio` (0 to 1) is recorded. The decision depends on the trace identifier alone and is that of
 * OpenTelemetry's SDK for JavaScript.
 *
 * @param parent the flags of the parent, where there is one.
 */
export function shouldSample(
  traceId: string,
  ratio: number,
  parent?: Pick<TraceParent, "flags">,
): boolean {
  const code =
    parent === undefined
      ? OtlpAbi.parentNone
      : (parent.flags & sampledFlag) !== 0
        ? OtlpAbi.parentSampled
        : OtlpAbi.parentNotSampled;
  return otlpHost.attempt((core) => core.sample(code, traceId, ratio), undefined) ?? false;
}

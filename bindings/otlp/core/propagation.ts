import { OtlpAbi } from "./abi.gen.ts";
import { type ParentSpan, sampledFlag } from "./model.ts";
import { otlpHost } from "./otlp_core.ts";

/** The fields of a traceparent header. */
export interface TraceParent {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** W3C trace flags, eight bits. */
  readonly flags: number;
}

/**
 * Parses a traceparent header. Returns undefined if it is invalid by W3C Trace Context; the caller then starts a new
 * trace.
 */
export function parseTraceParent(header: string): TraceParent | undefined {
  const text = otlpHost.attempt((core) => core.traceParent(header), undefined);
  if (text === undefined) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = text.split("-");
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/**
 * Parses a tracestate header. Several headers are joined by commas. Returns the members without white space, at most
 * 512 characters. Returns an empty text if the header is invalid, because an invalid header is treated like a missing
 * one.
 */
export function parseTraceState(header: string): string {
  return otlpHost.attempt((core) => core.traceState(header), undefined) ?? "";
}

/**
 * OpenTelemetry's parent-based sampler over TraceIdRatioBased. A span with a parent is sampled if its parent is. Of the
 * traces that start here, the fraction `ratio` (0 to 1) is sampled. The decision depends on the trace id only. It
 * equals the decision of OpenTelemetry's SDK for JavaScript.
 *
 * @param parent The trace flags of the parent, if there is a parent.
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

/**
 * Returns the parent span that `traceparent` and `tracestate` describe. Undefined if `traceparent` is missing or
 * malformed.
 */
export function remoteParent(
  header: (name: string) => string | null | undefined,
): ParentSpan | undefined {
  const traceparent = header("traceparent");
  const parent = typeof traceparent === "string" ? parseTraceParent(traceparent) : undefined;
  if (parent === undefined) return undefined;
  const tracestate = header("tracestate");
  const traceState = typeof tracestate === "string" ? parseTraceState(tracestate) : "";
  return { ...parent, traceState, isRemote: true };
}

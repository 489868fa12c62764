import { OtlpAbi } from "./abi.gen.ts";
import { type ParentSpan, sampledFlag } from "./model.ts";
import { otlpHost } from "./otlp_core.ts";

/** What a traceparent header says of the span that sent it. */
export interface TraceParent {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** W3C trace flags, eight bits. */
  readonly flags: number;
}

/** One value that travels along with a trace. */
export interface BaggageEntry {
  readonly key: string;
  readonly value: string;
  /** What else the header says of it, as it stands there: `property1;property2=x`. */
  readonly properties?: string;
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

/** A tracestate with `key` first; an empty value takes the key away. Unchanged when key or value are not valid. */
export function withTraceStateMember(state: string, key: string, value: string): string {
  return otlpHost.attempt((core) => core.traceStateWith(state, key, value), undefined) ?? state;
}

/** Reads a baggage header (several of them joined by commas). What is not valid in it is left out. */
export function parseBaggage(header: string): BaggageEntry[] {
  const texts = otlpHost.attempt((core) => core.baggage(header), []);
  const entries: BaggageEntry[] = [];
  for (let i = 0; i < texts.length; i += 3) {
    const [key = "", value = "", properties = ""] = texts.slice(i, i + 3);
    entries.push(properties === "" ? { key, value } : { key, value, properties });
  }
  return entries;
}

/**
 * The baggage header of these entries; empty for none. Entries whose key is no token of HTTP, or that exceed the 180
 * entries and 8,192 bytes a header may have, are left out.
 */
export function formatBaggage(entries: readonly BaggageEntry[]): string {
  const texts = entries.flatMap(({ key, value, properties = "" }) => [key, value, properties]);
  return otlpHost.attempt((core) => core.baggageHeader(texts), "");
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

import {
  type Baggage,
  type BaggageEntry,
  baggageEntryMetadataFromString,
  type Context,
  createTraceState,
  isSpanContextValid,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from "@opentelemetry/api";
import { isSuppressed } from "./suppressed.ts";

const traceParentPattern =
  /^\s?((?!ff)[\da-f]{2})-((?!0{32})[\da-f]{32})-((?!0{16})[\da-f]{16})-([\da-f]{2})(-.*)?\s?$/;
/** Limits of W3C Baggage. */
const maxEntries = 180;
const maxEntryUnits = 4_096;
const maxBaggageUnits = 8_192;

/** Reads and writes the headers of W3C Trace Context and W3C Baggage, as the propagators of OpenTelemetry's SDK. */
export class W3cPropagator implements TextMapPropagator {
  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    if (isSuppressed(context)) return;
    const span = trace.getSpanContext(context);
    if (span !== undefined && isSpanContextValid(span)) {
      const flags = (span.traceFlags & 0xff).toString(16).padStart(2, "0");
      setter.set(carrier, "traceparent", `00-${span.traceId}-${span.spanId}-${flags}`);
      const state = span.traceState?.serialize() ?? "";
      if (state !== "") setter.set(carrier, "tracestate", state);
    }
    const baggage = baggageHeader(propagation.getBaggage(context));
    if (baggage !== "") setter.set(carrier, "baggage", baggage);
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    const all = (name: string) => [getter.get(carrier, name) ?? []].flat().map(String);
    return withBaggage(withSpan(context, all("traceparent"), all("tracestate")), all("baggage"));
  }

  fields(): string[] {
    return ["traceparent", "tracestate", "baggage"];
  }
}

function withSpan(context: Context, [header = ""]: string[], states: string[]): Context {
  const [, version, traceId, spanId, flags, rest] = traceParentPattern.exec(header) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return context;
  const state = states.join(",");
  // Later versions may have more fields.
  if (version === "00" && rest !== undefined) return context;
  return trace.setSpanContext(context, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(state !== "" && { traceState: createTraceState(state) }),
  });
}

function baggageHeader(baggage: Baggage | undefined): string {
  const entries = (baggage?.getAllEntries() ?? []).map(([key, { value, metadata }]) => {
    const entry = `${encodeURIComponent(key)}=${encodeURIComponent(value)}`;
    return metadata === undefined ? entry : `${entry};${metadata.toString()}`;
  });
  let header = "";
  for (const entry of entries
    .filter(({ length }) => length <= maxEntryUnits)
    .slice(0, maxEntries)) {
    const longer = header === "" ? entry : `${header},${entry}`;
    if (longer.length <= maxBaggageUnits) header = longer;
  }
  return header;
}

function withBaggage(context: Context, headers: string[]): Context {
  const entries: Record<string, BaggageEntry> = {};
  let count = 0;
  let units = 0;
  for (const header of headers) {
    for (const text of header.split(",")) {
      const entry = text.length > maxEntryUnits ? undefined : baggageEntry(text);
      if (entry === undefined) continue;
      const size = text.length + (count > 0 ? 1 : 0);
      if (count === maxEntries || units + size > maxBaggageUnits) break;
      count += 1;
      units += size;
      entries[entry[0]] = entry[1];
    }
  }
  return count === 0
    ? context
    : propagation.setBaggage(context, propagation.createBaggage(entries));
}

function baggageEntry(text: string): [string, BaggageEntry] | undefined {
  const [, pair = "", metadata = ""] = /^([^;]*);?(.*)$/s.exec(text) ?? [];
  const [, key = "", value = ""] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
  if (key.trim() === "" || value.trim() === "") return undefined;
  try {
    const entry = { value: decodeURIComponent(value.trim()) };
    const more = metadata === "" ? {} : { metadata: baggageEntryMetadataFromString(metadata) };
    return [decodeURIComponent(key.trim()), { ...entry, ...more }];
  } catch {
    // Not a valid encoding.
    return undefined;
  }
}

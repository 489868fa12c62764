// One form for the spans of both sides: what OpenTelemetry's SDK has exported, and what isotel has sent over OTLP.
import { isSpanContextValid } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { remotes } from "./trace_program.ts";

/** A span, with spans of the program as their numbers. Times are undefined if the program has not given them. */
export interface ExportedSpan {
  readonly number: number;
  readonly [field: string]: unknown;
}

/** A later time was given by the program. An earlier one is the time of the run. */
const firstGivenMs = 3_900_000_000_000;
/** A double has milliseconds of this time to about half a microsecond. */
const digits = 2;

function givenTime(unixMs: number): number | undefined {
  return unixMs < firstGivenMs ? undefined : Number(unixMs.toFixed(digits));
}

type Numbers = ReadonlyMap<string, number>;

/** A span of the program as its number, any other as its ids. */
function spanOf(numbers: Numbers, traceId: string, spanId: string): string {
  const number = numbers.get(spanId);
  if (number !== undefined) return `span ${number}`;
  const remote = remotes.find((one) => one.traceId === traceId);
  return remote === undefined
    ? "invalid"
    : remote.traceFlags === 0
      ? traceId
      : `${traceId} ${spanId}`;
}

/** Nulls are left out of attributes of events and links by isotel. */
function plain(attributes: object | undefined): Record<string, unknown> {
  const entries = Object.entries(attributes ?? {}).filter(([, value]) => value != null);
  return Object.fromEntries(entries.map(([key, value]) => [key, shownValue(value)]));
}

function shownValue(value: unknown): unknown {
  return Array.isArray(value) ? value.map((item) => item ?? null) : value;
}

const msOf = ([seconds, nanoseconds]: readonly [number, number]) =>
  seconds * 1e3 + nanoseconds / 1e6;

/** isotel leaves out links to invalid ids, which a request may not have, and counts them. */
function isLink({ context }: ReadableSpan["links"][number]): boolean {
  return isSpanContextValid(context);
}

export function ofSdk(span: ReadableSpan, numbers: Numbers): ExportedSpan {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const parent = span.parentSpanContext;
  return {
    number: numbers.get(spanId) ?? 0,
    name: span.name,
    scope: [span.instrumentationScope.name, span.instrumentationScope.version ?? ""],
    parent: parent === undefined ? "" : spanOf(numbers, parent.traceId, parent.spanId),
    trace: remotes.some((remote) => remote.traceId === traceId) ? traceId : "",
    flags: traceFlags,
    isRemote: parent?.isRemote === true,
    traceState: traceState?.serialize() ?? "",
    kind: span.kind + 1,
    attributes: plain(span.attributes),
    droppedAttributes: span.droppedAttributesCount,
    events: span.events.map((event) => ({
      name: event.name,
      at: givenTime(msOf(event.time)),
      attributes: plain(withoutStack(event.attributes)),
      dropped: event.droppedAttributesCount ?? 0,
    })),
    droppedEvents: span.droppedEventsCount,
    links: span.links.filter(isLink).map(({ context, attributes, droppedAttributesCount = 0 }) => ({
      to: spanOf(numbers, context.traceId, context.spanId),
      attributes: plain(attributes),
      state: context.traceState?.serialize() ?? "",
      dropped: droppedAttributesCount,
    })),
    droppedLinks: span.droppedLinksCount + span.links.filter((link) => !isLink(link)).length,
    status: [span.status.code, span.status.message ?? ""],
    start: givenTime(msOf(span.startTime)),
    end: givenTime(msOf(span.endTime)),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: OTLP as JSON
type Json = any;

export function ofIsotel(item: ReceivedItem, numbers: Numbers): ExportedSpan {
  const json: Json = item.json;
  return {
    number: numbers.get(item.spanId) ?? 0,
    name: item.name,
    scope: item.scope,
    parent: item.parentSpanId === "" ? "" : spanOf(numbers, item.traceId, item.parentSpanId),
    trace: remotes.some((remote) => remote.traceId === item.traceId) ? item.traceId : "",
    flags: item.flags & 0xff,
    isRemote: (item.flags & 0x200) !== 0,
    traceState: item.traceState,
    kind: item.kind,
    attributes: plain(item.attributes),
    droppedAttributes: item.droppedAttributes,
    events: (json.events ?? []).map((event: Json) => ({
      name: event.name ?? "",
      at: givenTime(Number(BigInt(event.timeUnixNano) / 1000n) / 1e3),
      attributes: plain(withoutStack(valuesOf(event.attributes))),
      dropped: event.droppedAttributesCount ?? 0,
    })),
    droppedEvents: json.droppedEventsCount ?? 0,
    links: (json.links ?? []).map((link: Json) => ({
      to: spanOf(numbers, link.traceId, link.spanId),
      attributes: plain(valuesOf(link.attributes)),
      state: link.traceState ?? "",
      dropped: link.droppedAttributesCount ?? 0,
    })),
    droppedLinks: json.droppedLinksCount ?? 0,
    status: [item.status, json.status?.message ?? ""],
    start: givenTime(item.startUnixMs),
    end: givenTime(item.startUnixMs + item.durationMs),
  };
}

/** A stack has the lines of the call, which are the same on both sides but long. */
function withoutStack(attributes: object | undefined): Record<string, unknown> {
  const entries = Object.entries(attributes ?? {});
  return Object.fromEntries(
    entries.map(([key, value]) => [
      key,
      key === "exception.stacktrace" ? String(value).split("\n")[0] : value,
    ]),
  );
}

function valuesOf(list: Json[] | undefined): Record<string, unknown> {
  return Object.fromEntries((list ?? []).map(({ key, value }) => [key, plainValue(value)]));
}

function plainValue(value: Json): unknown {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plainValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? null;
}

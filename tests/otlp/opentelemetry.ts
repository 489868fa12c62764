// The same spans and log records as OpenTelemetry's own exporters are given them.
import { type HrTime, SpanStatusCode, type TraceState } from "@opentelemetry/api";
import {
  JsonLogsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type {
  AttributeList,
  FinishedSpan,
  InstrumentationScope,
  LogRecord,
  OtlpFormat,
} from "../../bindings/otlp/core/model.ts";

export type Resource = Readonly<Record<string, unknown>>;

export function encodeTraces(
  spans: readonly FinishedSpan[],
  resource: Resource,
  scope: InstrumentationScope,
  format: OtlpFormat,
): Uint8Array {
  const shared = sharedParts(resource, scope);
  const readable = spans.map((span) => ({ ...readableSpan(span), ...shared }));
  const serializer = format === "json" ? JsonTraceSerializer : ProtobufTraceSerializer;
  return serializer.serializeRequest(readable as unknown as ReadableSpan[]) as Uint8Array;
}

export function encodeLogs(
  records: readonly LogRecord[],
  resource: Resource,
  scope: InstrumentationScope,
  format: OtlpFormat,
): Uint8Array {
  const shared = sharedParts(resource, scope);
  const readable = records.map((record) => ({ ...readableRecord(record), ...shared }));
  const serializer = format === "json" ? JsonLogsSerializer : ProtobufLogsSerializer;
  return serializer.serializeRequest(readable as unknown as ReadableLogRecord[]) as Uint8Array;
}

function sharedParts(resource: Resource, { name, version, attributes }: InstrumentationScope) {
  return {
    resource: resourceFromAttributes(resource as Record<string, string>),
    instrumentationScope: {
      name,
      version,
      ...(attributes === undefined ? {} : { attributes: record(attributes) }),
    },
  };
}

function readableSpan(span: FinishedSpan) {
  const { isParentRemote, parentSpanId } = span;
  return {
    name: span.name,
    // Its numbers are one lower.
    kind: span.kind - 1,
    spanContext: () => contextOf(span),
    parentSpanContext:
      parentSpanId === ""
        ? { isRemote: isParentRemote }
        : { spanId: parentSpanId, isRemote: isParentRemote },
    startTime: hrTime(span.startUnixMs),
    endTime: hrTime(Math.max(span.startUnixMs, span.endUnixMs)),
    status: statusOf(span),
    attributes: record(span.attributes),
    events: span.events.map(({ name, unixMs, attributes, droppedAttributesCount }) => ({
      name,
      time: hrTime(unixMs),
      attributes: record(attributes),
      droppedAttributesCount,
    })),
    links: span.links.map((link) => ({
      context: { ...contextOf(link), isRemote: link.isRemote },
      attributes: record(link.attributes),
      droppedAttributesCount: link.droppedAttributesCount,
    })),
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

function statusOf({ status: { code, message } }: FinishedSpan) {
  const codes = [SpanStatusCode.UNSET, SpanStatusCode.OK, SpanStatusCode.ERROR];
  return { code: codes[code], message };
}

function contextOf({
  traceId,
  spanId,
  flags,
  traceState,
}: Omit<FinishedSpan["links"][0], "attributes" | "droppedAttributesCount">) {
  const state = { serialize: () => traceState } as TraceState;
  return { traceId, spanId, traceFlags: flags, traceState: state };
}

function readableRecord(log: LogRecord) {
  const { severityNumber, severityText, body, eventName, traceId, spanId, flags } = log;
  return {
    hrTime: hrTime(log.unixMs),
    hrTimeObserved: hrTime(log.observedUnixMs),
    severityNumber,
    severityText,
    body,
    eventName,
    spanContext: { traceId, spanId, traceFlags: flags },
    attributes: record(log.attributes),
    droppedAttributesCount: log.droppedAttributesCount,
  };
}

function record({ keys, values }: AttributeList): Record<string, never> {
  const entries = keys.map((key, index) => [key, values[index]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Record<
    string,
    never
  >;
}

/** As its SDK makes one of milliseconds. */
function hrTime(unixMs: number): HrTime {
  const seconds = Math.trunc(unixMs / 1000);
  return [seconds, Math.round((unixMs % 1000) * 1e6)];
}

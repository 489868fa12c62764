import type { ReferenceSpan } from "./recordings.ts";

/**
 * A list of spans in which identifiers are positions, so that two lists with the same structure are equal. Traces and
 * parents of another process keep their identifiers.
 *
 * The one difference: the reference stamps an exception with the clock of its process, which may be past the end of the
 * span it stands in; here it happens when the event says.
 */
export function normalized(spans: readonly ReferenceSpan[]): unknown[] {
  const positions = new Map(spans.map(({ spanId }, i) => [spanId, i]));
  const roots = spans.filter(({ parentSpanId }) => !parentSpanId);
  const traces = new Map(roots.map(({ traceId }, i) => [traceId, i]));
  const positionOf = (id: string): number | string => positions.get(id) ?? id;
  return spans.map((span) => ({
    name: span.name,
    kind: span.kind,
    trace: traces.get(span.traceId) ?? span.traceId,
    parent: span.parentSpanId ? positionOf(span.parentSpanId) : undefined,
    start: span.start,
    end: span.end,
    status: span.status,
    attributes: span.attributes,
    events: span.events.map(({ name, time, attributes }) => ({
      name,
      time: name === "exception" ? span.end : time,
      attributes,
    })),
    links: span.links.map(({ traceId, spanId }) => ({
      trace: traces.get(traceId) ?? traceId,
      span: positionOf(spanId),
    })),
  }));
}

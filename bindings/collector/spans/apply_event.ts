import { maskSecrets } from "../../base/address.ts";
import { type SpanEvent, StatusCode } from "../../otlp/core/model.ts";
import type { CollectedSpan } from "./collected_span.ts";
import type { CollectorCounts } from "./counts.ts";
import { limits } from "./counts.ts";
import type { AttributeReader } from "./read_attributes.ts";

/** Applies an event to its span. */
export function applyEvent(
  span: CollectedSpan,
  event: TailStream.Attributes | TailStream.SpanUpdate | TailStream.Exception,
  timestamp: Date,
  reader: AttributeReader,
  counts: CollectorCounts,
): void {
  switch (event.type) {
    case "attributes":
      reader.read(span, event.info);
      return;
    case "spanUpdate":
      update(span, event.info, reader);
      return;
    case "exception":
      span.fail(maskSecrets(event.name));
      if (span.events.length < limits.eventsPerSpan) {
        span.events = [...span.events, exceptionEvent(span, event, timestamp.getTime(), reader)];
        return;
      }
      span.droppedEventsCount += 1;
      counts.span_events_dropped += 1;
      return;
  }
}

function update(
  span: CollectedSpan,
  info: TailStream.SpanUpdateInfo,
  reader: AttributeReader,
): void {
  if (info.type === "name") {
    span.name = maskSecrets(info.name);
    span.isRenamed = true;
    return;
  }
  const { code, message } = info.status;
  const text = reader.text("status.message", message, span) ?? "";
  span.setStatus(StatusCode[code] ?? StatusCode.unset, text);
}

/** https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/ */
function exceptionEvent(
  span: CollectedSpan,
  { name, message, stack }: TailStream.Exception,
  unixMs: number,
  reader: AttributeReader,
): SpanEvent {
  const keys = ["exception.type"];
  const values = [maskSecrets(name)];
  const put = (key: string, text: string | undefined): void => {
    const clean = reader.text(key, text, span);
    if (clean === undefined) return;
    keys.push(key);
    values.push(clean);
  };
  put("exception.message", message);
  put("exception.stacktrace", stack);
  return { name: "exception", unixMs, attributes: { keys, values }, droppedAttributesCount: 0 };
}

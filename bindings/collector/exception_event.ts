import type { SpanEvent } from "../otlp/model.ts";
import type { TextFilter } from "./redaction.ts";

/** An exception as the event OTLP has for it. https://opentelemetry.io/docs/specs/semconv/exceptions/ */
export function exceptionEvent(
  { name, message, stack }: TailStream.Exception,
  unixMs: number,
  text: TextFilter,
): SpanEvent {
  const keys = ["exception.type"];
  const values = [name];
  const put = (key: string, value: string | undefined): void => {
    if (value === undefined) return;
    keys.push(key);
    values.push(value);
  };
  put("exception.message", text("exception.message", message));
  put("exception.stacktrace", text("exception.stacktrace", stack));
  return { name: "exception", unixMs, attributes: { keys, values }, droppedAttributesCount: 0 };
}

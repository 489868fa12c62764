import type { SpanLog } from "../trace/span_runtime.ts";
import type { FlueAttributes } from "./attributes.ts";

/** A log of Flue, which is an event of its span, as a record: some backends keep no events of spans. */
export function flueLog(name: string, unixMs: number, attributes: FlueAttributes): SpanLog {
  const {
    "flue.log.message": message,
    "flue.log.level": level,
    ...others
  } = attributes as Readonly<Record<string, string | number>>;
  return {
    eventName: name,
    severity: String(level ?? ""),
    body: typeof message === "string" ? message : undefined,
    unixMs,
    attributes: level === undefined ? others : { "flue.log.level": level, ...others },
  };
}

import { consoleRecord, plainLine, type TextFilter } from "../../otlp/capture/console_record.ts";
import type { OfResource } from "../../otlp/core/encode_by_resource.ts";
import type { ResourceAttributes } from "../../otlp/core/encoder.ts";
import type { LogRecord } from "../../otlp/core/model.ts";

type Log = TailStream.Log;

/** A console line of another Worker. */
export interface CollectedLog extends LogRecord, OfResource {}

/**
 * Converts a console line to a log record.
 *
 * @param text Filters the line and the texts of errors.
 */
export function collectedLog(
  { level, message, errorInfo, truncated }: Log,
  unixMs: number,
  traceId: string,
  spanId: string,
  flags: number,
  resource: ResourceAttributes,
  text: TextFilter,
): CollectedLog {
  const error = errorInfo?.find((info) => info !== null) ?? undefined;
  const line = plainLine(Array.isArray(message) ? message : [message]);
  const record = consoleRecord(level, line, error, unixMs, { traceId, spanId, flags }, text);
  if (truncated === true) {
    record.attributes.keys.push("cloudflare.log.truncated");
    record.attributes.values.push(true);
  }
  return { ...record, resource };
}

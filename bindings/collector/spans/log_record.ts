import { maskSecrets } from "../../base/address.ts";
import type { OfResource } from "../../otlp/core/encode_by_resource.ts";
import type { ResourceAttributes } from "../../otlp/core/encoder.ts";
import { type AttributeList, type LogRecord, Severity } from "../../otlp/core/model.ts";
import type { TextFilter } from "./redaction.ts";

type Log = TailStream.Log;

/** A console line of another Worker. */
export interface CollectedLog extends LogRecord, OfResource {}

const severities: Readonly<Record<string, number>> = {
  debug: Severity.debug,
  log: Severity.info,
  info: Severity.info,
  warn: Severity.warn,
  error: Severity.error,
};

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
  const keys: string[] = [];
  const values: unknown[] = [];
  const put = (key: string, value: unknown): void => {
    if (value === undefined) return;
    keys.push(key);
    values.push(value);
  };
  const error = errorInfo?.find((info) => info !== null);
  if (error !== undefined && error !== null) {
    put("exception.type", error.name && maskSecrets(error.name));
    put("exception.message", text("exception.message", error.message));
    put("exception.stacktrace", text("exception.stacktrace", error.stack));
  }
  if (truncated === true) put("cloudflare.log.truncated", true);
  return {
    unixMs,
    observedUnixMs: unixMs,
    severityNumber: severities[level] ?? 0,
    severityText: level,
    body: text("log.body", lineOf(message)),
    attributes: { keys, values } satisfies AttributeList,
    droppedAttributesCount: 0,
    traceId,
    spanId,
    flags,
    eventName: "",
    resource,
  };
}

/** Returns the line as the console shows it: texts unchanged, other values as JSON. */
function lineOf(message: unknown): string {
  if (typeof message === "string") return message;
  return Array.isArray(message) ? message.map(textOf).join(" ") : textOf(message);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    const json = JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === "bigint" ? inner.toString() : inner,
    );
    return json ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

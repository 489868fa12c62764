import { cleanValue, type KeptParameters } from "../../base/address.ts";
import type { Attributes, SpanLog } from "../../trace/span_runtime.ts";
import { type LogRecord, type ParentSpan, Severity } from "../core/model.ts";
import type { ActiveContext } from "./context.ts";

export type LogSeverity = keyof typeof Severity;

/** A log record for {@link emitLog}. */
export interface LogInput {
  /** A text, or any other attribute value. */
  readonly body?: unknown;
  /** Default: `info`. */
  readonly severity?: LogSeverity | undefined;
  readonly attributes?: Attributes | undefined;
  /** Name of the kind of event. */
  readonly eventName?: string | undefined;
  /** Time of the event in milliseconds since the Unix epoch. Default: now. */
  readonly unixMs?: number | undefined;
}

/** Returns the OTLP form of a record in the span `parent`. */
export function logRecord(
  input: LogInput,
  nowUnixMs: number,
  parent: ParentSpan | undefined,
  kept: KeptParameters,
): LogRecord {
  const severity = input.severity ?? "info";
  const known = Object.hasOwn(Severity, severity);
  const { traceId = "", spanId = "", flags = 0 } = parent ?? {};
  const attributes: Readonly<Record<string, unknown>> = { ...input.attributes };
  const keys = Object.keys(attributes);
  return {
    unixMs: input.unixMs ?? nowUnixMs,
    observedUnixMs: nowUnixMs,
    severityNumber: known ? Severity[severity] : 0,
    severityText: known ? severity.toUpperCase() : "",
    body: copyOf("log.body", input.body, kept),
    attributes: {
      keys,
      values: keys.map((key) => copyOf(key, attributes[key], kept)),
    },
    droppedAttributesCount: 0,
    traceId,
    spanId,
    flags,
    eventName: typeof input.eventName === "string" ? input.eventName : "",
  };
}

/** Sends a log record of a span. Logs are not sampled: a span that is not recorded sends its records too. */
export function emitSpanLog({ group, parent }: ActiveContext, { severity, ...log }: SpanLog): void {
  const { pipeline } = group;
  const input = { ...log, severity: severity as LogSeverity };
  pipeline.addLog(logRecord(input, pipeline.clock(), parent, pipeline.keptParameters));
  group.logged();
}

/** Returns a copy of a value without the secrets in URLs. */
function copyOf(key: string, value: unknown, kept: KeptParameters): unknown {
  return cleanValue(key, snapshotOf(value), kept);
}

/** Returns a copy of a value. The caller may change or transfer the original before it is sent. */
function snapshotOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  // structuredClone would copy the whole buffer behind a view. Buffer.slice of Node would copy nothing.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  try {
    return structuredClone(value);
  } catch {
    // Part of the value cannot be copied. The original is sent, in its state at the time of the request.
    return value;
  }
}

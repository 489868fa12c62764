import { cleanValue, type KeptParameters } from "../../base/address.ts";
import type { Attributes, SpanLog } from "../../trace/span_runtime.ts";
import { type LogRecord, type ParentSpan, Severity } from "../core/model.ts";
import type { ActiveContext } from "./context.ts";

export type LogSeverity = keyof typeof Severity;

/** A log record to be sent. */
export interface LogInput {
  /** Text, or any value an attribute can have. */
  readonly body?: unknown;
  /** `info` unless given. */
  readonly severity?: LogSeverity | undefined;
  readonly attributes?: Attributes | undefined;
  /** Names the kind of event. */
  readonly eventName?: string | undefined;
  /** When it happened, in milliseconds since the Unix epoch; now unless given. */
  readonly unixMs?: number | undefined;
}

/** The record as OTLP has it, in the span `parent`. */
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

/** Sends a record of a span, of one that is not recorded too: logs are not sampled. */
export function emitSpanLog({ group, parent }: ActiveContext, { severity, ...log }: SpanLog): void {
  const { pipeline } = group;
  const input = { ...log, severity: severity as LogSeverity };
  pipeline.addLog(logRecord(input, pipeline.clock(), parent, pipeline.keptParameters));
  group.logged();
}

/** A copy of a value, with the secrets of its addresses removed. */
function copyOf(key: string, value: unknown, kept: KeptParameters): unknown {
  return cleanValue(key, snapshotOf(value), kept);
}

/** A copy of a value: its caller may change or transfer it before it is sent. */
function snapshotOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  // structuredClone copies all of the buffer behind a view, and `slice` of Node's Buffer copies nothing.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  try {
    return structuredClone(value);
  } catch {
    // Something in it cannot be copied: it is sent as it will be then.
    return value;
  }
}

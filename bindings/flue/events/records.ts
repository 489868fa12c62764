import type { SpanLog } from "../../trace/span_runtime.ts";
import type { FlueAttributes } from "./attributes.ts";
import { type FlueEvent, readPath, readText } from "./event.ts";
import type { SpanEnd } from "./failure.ts";

// Log records that are not events of a span. Names, severity and attributes are those of @flue/opentelemetry 2.1.0.

/** The event of a failed attempt to recover a submission. It happens outside of all operations. */
export const recoveryType = "submission_recovery";

/** Attributes of a request that a record of its failure has too. */
const requestKeys = [
  "gen_ai.operation.name",
  "gen_ai.provider.name",
  "gen_ai.request.model",
  "server.address",
  "server.port",
];

/** Attributes of the end of a request that a record of its failure has too. */
const responseKeys = ["gen_ai.response.model", "error.type"];

/** Characters of an error type. Other types could be messages. */
const errorTypePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

function warning(eventName: string, unixMs: number, attributes: FlueAttributes): SpanLog {
  return { eventName, severity: "warn", body: undefined, unixMs, attributes };
}

/** Returns the record of a {@link recoveryType} event. It has no message and no stack. */
export function recoveryRecord(event: FlueEvent, unixMs: number): SpanLog {
  const submission = readText(event, "submissionId");
  const type = readPath(event, ["errorInfo", "type"]);
  const isType = typeof type === "string" && errorTypePattern.test(type);
  return warning("flue.submission_recovery", unixMs, {
    ...(submission !== "" && { "flue.submission.id": submission }),
    "flue.recovery.operation": readText(event, "operation"),
    "flue.recovery.outcome": readText(event, "outcome"),
    ...(Boolean(readPath(event, ["errorInfo"])) && { "error.type": isType ? type : "_OTHER" }),
  });
}

function pick(attributes: FlueAttributes, keys: readonly string[]): FlueAttributes {
  const picked: FlueAttributes = {};
  for (const key of keys) {
    const value = attributes[key];
    if (value !== undefined) picked[key] = value;
  }
  return picked;
}

/** Returns the attributes of a request that {@link exceptionRecord} needs if the request fails. */
export function requestOf(start: FlueAttributes): FlueAttributes {
  return pick(start, requestKeys);
}

/** Returns the record of a failed request. Undefined if neither the class nor the message of its error is known. */
export function exceptionRecord(request: FlueAttributes, end: SpanEnd): SpanLog | undefined {
  if (!end.isException) return undefined;
  return warning("gen_ai.client.operation.exception", end.unixMs, {
    ...request,
    ...pick(end.attributes, responseKeys),
    ...exceptionAttributes(end),
  });
}

export function exceptionAttributes({ failure, exceptionType, stack }: SpanEnd): FlueAttributes {
  return {
    ...(exceptionType !== undefined && { "exception.type": exceptionType }),
    ...(failure && { "exception.message": failure }),
    ...(stack !== undefined && { "exception.stacktrace": stack }),
  };
}

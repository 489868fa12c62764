import { maskSecrets } from "../../base/address.ts";
import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import type { FlueAttributes } from "./attributes.ts";
import { contentText, readPath } from "./event.ts";

/** The end of a span. */
export interface SpanEnd {
  /** Milliseconds since the Unix epoch. */
  readonly unixMs: number;
  readonly attributes: FlueAttributes;
  /** The message of a failed span, empty if it has none. Undefined if the span did not fail. */
  readonly failure: string | undefined;
  /** Whether the failure is also an exception. False for a span that another event ended. */
  readonly isException: boolean;
  /** The class name of the exception, if the event has it. */
  readonly exceptionType?: string;
  /** The stack of the exception, if it is exported. */
  readonly stack?: string;
}

/** Logs an error of the observation that was not thrown to the program. Logged once per type of error. */
export function reportSwallowed(cause: unknown): void {
  reportOnce(
    `isotel: observing Flue failed (${errorType(cause)}); a span or an attribute is missing.`,
  );
}

/** The failure part of a {@link SpanEnd}. */
export type Failure = Pick<SpanEnd, "failure" | "isException" | "exceptionType" | "stack">;

/** Places of the failure reason in an event, in order of preference. */
const places = [["error"], ["response", "error"], ["result"]] as const;
const placesGenAi = [["errorInfo"], ...places] as const;

/** Returns a failure with the message in the exported content, else with `generic`. */
export function failure(generic: string, content: object | undefined): Failure {
  return { failure: maskSecrets(failureText(content) ?? generic), isException: true };
}

/** Returns a failure in the form of the GenAI conventions. It has a message only if the message is exported. */
export function failureGenAi(event: object, content: object | undefined): Failure {
  const exceptionType = text(errorOf(event), "name");
  const error = errorOf(content);
  const message = typeof error === "string" ? maskSecrets(error) : text(error, "message");
  const stack = text(error, "stack");
  return {
    failure: message ?? "",
    isException: (exceptionType ?? message) !== undefined,
    ...(exceptionType !== undefined && { exceptionType }),
    ...(stack !== undefined && { stack }),
  };
}

function errorOf(from: object | undefined): unknown {
  for (const path of placesGenAi) {
    const value = readPath(from, path);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

function text(from: unknown, name: string): string | undefined {
  const value = readPath(from, [name]);
  return typeof value === "string" && value !== "" ? maskSecrets(value) : undefined;
}

function failureText(content: object | undefined): string | undefined {
  for (const path of places) {
    const value = readPath(content, path);
    if (value === undefined || value === null) continue;
    const message = readPath(value, ["message"]);
    return typeof message === "string" ? message : contentText(value);
  }
  return undefined;
}

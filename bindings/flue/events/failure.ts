import { maskSecrets } from "../../base/address.ts";
import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import type { FlueAttributes } from "./attributes.ts";
import { contentText, readPath } from "./event.ts";

/** How a span ends. */
export interface SpanEnd {
  /** Milliseconds since the Unix epoch. */
  readonly unixMs: number;
  readonly attributes: FlueAttributes;
  /** The message of a span that failed, empty where it has none; undefined for one that did not. */
  readonly failure: string | undefined;
  /** Whether the failure is also told as an exception: not of spans that something else ended. */
  readonly isException: boolean;
  /** Of an exception: the name of its class, where the event tells it. */
  readonly exceptionType?: string;
  /** Of an exception: its stack, where it is exported. */
  readonly stack?: string;
}

/** Logs once for each type an error of the observation that was kept from the program. */
export function reportSwallowed(cause: unknown): void {
  reportOnce(
    `isotel: observing Flue failed (${errorType(cause)}); a span or an attribute is missing.`,
  );
}

/** How a span ends whose event says that it failed. */
export type Failure = Pick<SpanEnd, "failure" | "isException" | "exceptionType" | "stack">;

/** Where an event that failed may say why, in the order of preference. */
const places = [["error"], ["response", "error"], ["result"]] as const;
const placesGenAi = [["errorInfo"], ...places] as const;

/** A failure with the message of the content that is exported; where that tells none, with `generic`. */
export function failure(generic: string, content: object | undefined): Failure {
  return { failure: maskSecrets(failureText(content) ?? generic), isException: true };
}

/** A failure as the conventions for generative AI have it: without a message unless it is exported. */
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

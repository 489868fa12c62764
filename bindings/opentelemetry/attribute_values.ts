import type { Attributes as ApiAttributes, TimeInput } from "@opentelemetry/api";
import type { Attributes } from "../trace/span_runtime.ts";

/** Default limit of OpenTelemetry for the attributes of a span, an event and a link. */
export const maxAttributes = 128;

/** Whether the API allows a value: a text, number or boolean, or a list of one of these types that may have gaps. */
export function isValue(value: unknown): boolean {
  if (!Array.isArray(value)) return isScalar(value);
  let type: string | undefined;
  for (const item of value) {
    if (item === null || item === undefined) continue;
    if (!isScalar(item) || (type !== undefined && typeof item !== type)) return false;
    type = typeof item;
  }
  return true;
}

function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** Returns the valid attributes of an object. */
export function validAttributes(attributes: ApiAttributes | undefined | null): Attributes {
  if (typeof attributes !== "object" || attributes === null) return {};
  const valid = Object.entries(attributes).filter(([key, value]) => key !== "" && isValue(value));
  return Object.fromEntries(valid) as Attributes;
}

/** Whether a value is seconds and nanoseconds, a number of milliseconds or a date. */
export function isTime(value: unknown): value is TimeInput {
  if (typeof value === "number" || value instanceof Date) return true;
  const [seconds, nanoseconds] = Array.isArray(value) && value.length === 2 ? value : [];
  return typeof seconds === "number" && typeof nanoseconds === "number";
}

/**
 * Returns a time in Unix milliseconds. A number that `performance.now()` has reached is a time of that clock, as in
 * OpenTelemetry's SDK. Returns undefined for a value that is no time.
 */
export function unixMsOf(time: unknown): number | undefined {
  if (!isTime(time)) return undefined;
  if (Array.isArray(time)) return time[0] * 1e3 + time[1] / 1e6;
  if (time instanceof Date) return time.getTime();
  return time <= performance.now() ? performance.timeOrigin + time : time;
}

/** The properties of an exception. Programs throw any value. */
interface ExceptionParts {
  readonly code?: string | number;
  readonly name?: string;
  readonly message?: string;
  readonly stack?: string;
}

/** Returns the attributes `exception.*` of the semantic conventions. */
export function exceptionAttributes(exception: unknown): Record<string, string> {
  if (typeof exception === "string") return { "exception.message": exception };
  const { code, name, message, stack } = (exception ?? {}) as ExceptionParts;
  const type = code ? String(code) : name;
  return {
    ...(type && { "exception.type": type }),
    ...(message && { "exception.message": message }),
    ...(stack && { "exception.stacktrace": stack }),
  };
}

import { variableOf, variables } from "../base/env.ts";
import { shapeOf as baseShapeOf } from "../base/values.ts";

/** Returns the variable that replaces an option, or undefined if it is not set. */
export function variable(name: string): string | undefined {
  return variableOf(variables(), name);
}

/** Returns the error for an invalid option. It does not contain the value, which may be a key. */
export function invalid(option: string, value: unknown, allowed: string): TypeError {
  return new TypeError(`isotel/gateway: ${option} is ${shapeOf(value)}; it has to be ${allowed}`);
}

/**
 * Describes the shape of a value. Also describes the first invalid character of a string that cannot be a name or
 * header.
 */
export function shapeOf(value: unknown): string {
  if (value === "") return "an empty string";
  const invalidCharacter = typeof value === "string" && /[^\x21-\x7e]|[/\\?#%]/.exec(value)?.[0];
  const found = invalidCharacter ? ` with ${JSON.stringify(invalidCharacter)}` : "";
  return baseShapeOf(value) + found;
}

/** Returns an integer from `min` to `max` as a header value. Throws TypeError for other values. */
export function integerHeader(
  option: string,
  value: unknown,
  min: number,
  max: number,
  unit: string,
): string {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    throw invalid(option, value, `a whole number of ${unit} from ${min} to ${max}`);
  }
  return String(value);
}

export function booleanHeader(option: string, value: unknown): string {
  if (typeof value !== "boolean") throw invalid(option, value, "true or false");
  return String(value);
}

/** Returns a string that is valid as a header value. Throws TypeError for other values. */
export function textHeader(option: string, value: unknown): string {
  if (typeof value !== "string" || !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    throw invalid(option, value, "a string of printable ASCII characters without outer spaces");
  }
  return value;
}

/** Returns the properties of an option that is an object. Throws TypeError for other values. */
export function plainObject(option: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(option, value, "an object");
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Returns JSON in ASCII, because a header can carry no other characters. */
export function jsonHeader(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

import { variableOf, variables } from "../base/env.ts";

/** Variables that stand in for options; undefined where the program has none. */
export function variable(name: string): string | undefined {
  return variableOf(variables(), name);
}

/** An error of an option. The value itself is never in it: it may be a key. */
export function invalid(option: string, value: unknown, allowed: string): TypeError {
  return new TypeError(`isotel/gateway: ${option} is ${shapeOf(value)}; it has to be ${allowed}`);
}

/** What kind of value it is, in place of the value. */
export function shapeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value !== "string") return `of type ${typeof value}`;
  if (value === "") return "an empty text";
  const unfit = /[^\x21-\x7e]|[/\\?#%]/.exec(value)?.[0];
  const found = unfit === undefined ? "" : ` with ${JSON.stringify(unfit)}`;
  return `a text of ${value.length} characters${found}`;
}

/** A whole number of a range, as the value of a header. */
export function integerHeader(
  option: string,
  value: unknown,
  least: number,
  most: number,
  unit: string,
): string {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(option, value, `a whole number of ${unit} from ${least} to ${most}`);
  }
  return String(value);
}

export function booleanHeader(option: string, value: unknown): string {
  if (typeof value !== "boolean") throw invalid(option, value, "true or false");
  return String(value);
}

/** A text that a header can carry. */
export function textHeader(option: string, value: unknown): string {
  if (typeof value !== "string" || !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    throw invalid(option, value, "a text of printable ASCII characters, without spaces around it");
  }
  return value;
}

/** Options by name. */
export function plainObject(option: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(option, value, "an object");
  }
  return value as Readonly<Record<string, unknown>>;
}

/** JSON in ASCII, which is all that a header can carry. */
export function jsonHeader(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

import type { AttributeList } from "./model.ts";

/** The list with each key once, at its first place and with the last value that OTLP can carry. */
export function lastValues({ keys, values }: AttributeList): AttributeList {
  const last = new Map<string, unknown>();
  for (const [index, key] of keys.entries()) {
    if (isCarried(values[index])) last.set(key, values[index]);
  }
  return { keys: [...last.keys()], values: [...last.values()] };
}

/** Whether OTLP can carry a value, or nothing in its place. */
function isCarried(value: unknown): boolean {
  return value !== undefined && typeof value !== "function" && typeof value !== "symbol";
}

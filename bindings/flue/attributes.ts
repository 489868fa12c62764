import { flueFields } from "./abi.gen.ts";
import { type FlueEvent, readPath } from "./event.ts";

/** What an attribute of Flue's spans can be. */
export type FlueAttributeValue = string | number | boolean | readonly string[];

/** Attributes by key, in the order of src/flue/fields.def. */
export type FlueAttributes = Record<string, FlueAttributeValue>;

interface Field {
  readonly key: string;
  readonly type: string;
  readonly isContent: boolean;
  readonly path: readonly string[];
}

type Loose = Readonly<Record<string, unknown>>;

const fields: readonly Field[] = flueFields;

/**
 * The attributes of a plan: identifiers and numbers from the event, content from what the exporter of content gave
 * back, or none without it.
 */
export function readAttributes(
  plan: readonly number[],
  event: FlueEvent,
  content: object | undefined,
): FlueAttributes {
  const attributes: FlueAttributes = {};
  for (let i = 0; i < plan.length; i += 1) {
    const field = fields[plan[i] as number] as Field;
    const from = field.isContent ? content : event;
    if (from === undefined) continue;
    const value = readValue(field, from);
    if (value !== undefined) attributes[field.key] = value;
  }
  return attributes;
}

/** A string as it is, anything else as JSON; undefined for what has none. */
export function contentText(value: unknown): string | undefined {
  if (typeof value === "string" || value === undefined) return value;
  try {
    return JSON.stringify(value);
  } catch {
    // A cycle, a bigint or a toJSON that throws: what cannot be told is left out.
    return undefined;
  }
}

function readValue({ type, path }: Field, from: object): FlueAttributeValue | undefined {
  if (type === "constant") return path[0];
  if (type === "true") return true;
  const value = path.length === 1 ? (from as Loose)[path[0] as string] : readPath(from, path);
  switch (type) {
    case "any":
      return contentText(value);
    case "number":
      return typeof value === "number" ? value : undefined;
    case "textList":
      return typeof value === "string" ? [value] : undefined;
    default:
      return typeof value === "string" ? value : undefined;
  }
}

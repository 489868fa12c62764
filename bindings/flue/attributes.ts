import { flueFields } from "./abi.gen.ts";
import { type FlueEvent, readPath } from "./event.ts";
import { messageReaders } from "./messages.ts";
import { contentText, type FlueAttributeValue, type ValueReader, valueReaders } from "./values.ts";

export type { FlueAttributeValue };

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
const readers: Readonly<Record<string, ValueReader>> = { ...valueReaders, ...messageReaders };

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
    const value = field.isContent ? tryRead(field, from) : readValue(field, from);
    if (value !== undefined) attributes[field.key] = value;
  }
  return attributes;
}

/** What an application made of content that cannot be read costs its attribute and not the span. */
function tryRead(field: Field, from: object): FlueAttributeValue | undefined {
  try {
    return readValue(field, from);
  } catch {
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
    case "text":
      return typeof value === "string" ? value : undefined;
    case "textList":
      return typeof value === "string" ? [value] : undefined;
    default:
      return readers[type]?.(value);
  }
}

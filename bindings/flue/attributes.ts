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

/** The attributes that doing something sets on a span. */
export class AttributePlan {
  readonly #fields: readonly Field[];
  readonly #withoutContent: readonly Field[];

  /** @param positions of `flueFields`, in the order of the attributes. */
  constructor(positions: readonly number[]) {
    this.#fields = positions.map((position) => fields[position] as Field);
    this.#withoutContent = this.#fields.filter(({ isContent }) => !isContent);
  }

  /**
   * Identifiers and numbers from the event, content from what the exporter of content gave back, or none without it.
   */
  read(event: FlueEvent, content: object | undefined): FlueAttributes {
    const attributes: FlueAttributes = {};
    const wanted = content === undefined ? this.#withoutContent : this.#fields;
    for (let i = 0; i < wanted.length; i += 1) {
      const field = wanted[i] as Field;
      const value = field.isContent ? tryRead(field, content) : readValue(field, event);
      if (value !== undefined) attributes[field.key] = value;
    }
    return attributes;
  }
}

/** Of a span that cannot be known: no attributes. */
export const emptyPlan: AttributePlan = new AttributePlan([]);

/** What an application made of content that cannot be read costs its attribute and not the span. */
function tryRead(field: Field, content: unknown): FlueAttributeValue | undefined {
  try {
    return readValue(field, content);
  } catch {
    return undefined;
  }
}

function readValue({ type, path }: Field, from: unknown): FlueAttributeValue | undefined {
  if (type === "constant") return path[0];
  if (type === "true") return true;
  const value = path.length === 1 ? (from as Loose)[path[0] as string] : readPath(from, path);
  switch (type) {
    case "text":
      return typeof value === "string" ? value : undefined;
    case "number":
      return typeof value === "number" ? value : undefined;
    case "any":
      return contentText(value);
    case "textList":
      return typeof value === "string" ? [value] : undefined;
    default:
      return readers[type]?.(value);
  }
}

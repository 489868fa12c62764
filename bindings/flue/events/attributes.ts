import { cleanAttribute } from "../../base/address.ts";
import { flueFields } from "../abi.gen.ts";
import {
  contentText,
  type FlueAttributeValue,
  type FlueEvent,
  readPath,
  type ValueReader,
  valueReaders,
} from "./event.ts";
import { messageReaders } from "./messages.ts";

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

/** A field at its position in a plan. */
interface Step extends Field {
  /** The last name of the path. Undefined for an empty path, whose value is the whole object. */
  readonly name: string | undefined;
  readonly outer: readonly string[];
  /** Whether the value is in the same object as the value of the previous step. */
  readonly isNextToLast: boolean;
}

/** The attributes that an action sets on a span. */
export class AttributePlan {
  readonly #steps: readonly Step[];
  readonly #stepsWithoutContent: readonly Step[];

  /** @param positions Positions in `flueFields`, in the order of the attributes. */
  constructor(positions: readonly number[]) {
    const wanted = positions.map((position) => fields[position] as Field);
    this.#steps = stepsOf(wanted);
    this.#stepsWithoutContent = stepsOf(wanted.filter(({ isContent }) => !isContent));
  }

  /**
   * Reads the attributes. Identifiers and numbers come from the event.
   *
   * @param content The result of `exportContent`. Undefined leaves out all content.
   */
  read(event: FlueEvent, content: object | undefined): FlueAttributes {
    const attributes: FlueAttributes = {};
    const steps = content === undefined ? this.#stepsWithoutContent : this.#steps;
    let outer: unknown = event;
    for (let i = 0; i < steps.length; i += 1) {
      const step = steps[i] as Step;
      let value: FlueAttributeValue | undefined;
      if (step.isContent) {
        value = tryRead(step, content);
      } else {
        if (!step.isNextToLast) outer = readPath(event, step.outer);
        value = readValue(step, outer);
      }
      if (typeof value === "string") value = cleanAttribute(step.key, value, undefined);
      if (value !== undefined) attributes[step.key] = value;
    }
    return attributes;
  }
}

/** The plan of an unknown span: no attributes. */
export const emptyPlan: AttributePlan = new AttributePlan([]);

function stepsOf(wanted: readonly Field[]): Step[] {
  let last = "";
  return wanted.map((field) => {
    const outer = field.path.slice(0, -1);
    const place = outer.join(".");
    const isNextToLast = !field.isContent && place === last;
    if (!field.isContent) last = place;
    return { ...field, name: field.path.at(-1), outer, isNextToLast };
  });
}

/** Reads content of the application. Content that cannot be read loses its attribute, not the span. */
function tryRead(step: Step, content: unknown): FlueAttributeValue | undefined {
  try {
    return readValue(step, readPath(content, step.outer));
  } catch {
    return undefined;
  }
}

function readValue({ type, name }: Step, outer: unknown): FlueAttributeValue | undefined {
  if (type === "constant") return name;
  if (type === "true") return true;
  if (outer === null || typeof outer !== "object") return undefined;
  const value = name === undefined ? outer : (outer as Loose)[name];
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

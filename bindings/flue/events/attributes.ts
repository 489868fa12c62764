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

/** A field in its place in a plan. */
interface Step extends Field {
  /** The last name of the path; undefined for a value that is all there is. */
  readonly name: string | undefined;
  readonly outer: readonly string[];
  /** Whether what the value is in is that of the step before. */
  readonly isNextToLast: boolean;
}

/** The attributes that doing something sets on a span. */
export class AttributePlan {
  readonly #steps: readonly Step[];
  readonly #stepsWithoutContent: readonly Step[];

  /** @param positions of `flueFields`, in the order of the attributes. */
  constructor(positions: readonly number[]) {
    const wanted = positions.map((position) => fields[position] as Field);
    this.#steps = stepsOf(wanted);
    this.#stepsWithoutContent = stepsOf(wanted.filter(({ isContent }) => !isContent));
  }

  /** Identifiers and numbers from the event, content from what the exporter of content gave back, or none without it. */
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

/** Of a span that cannot be known: no attributes. */
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

/** What an application made of content that cannot be read costs its attribute and not the span. */
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

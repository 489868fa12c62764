import { maskSecrets } from "../base/address.ts";
import { Abi, labelFields } from "./abi.gen.ts";

/** Whether the text of a field is a label of GenAI metrics, by field. */
export const isLabel: Uint8Array = new Uint8Array(Abi.maxFields);
for (const field of labelFields) isLabel[field] = 1;

/** Changes a text before it is kept; undefined makes the field absent. */
export type FieldFilter = (field: number, value: string) => string | undefined;

/** What the core reads of a field set. */
export interface FieldValues {
  /** The fields in the order in which they were set. */
  readonly fields: readonly number[];
  /** A text or a number for each of {@link fields}. */
  readonly values: readonly (string | number)[];
}

/**
 * The typed fields of one span, for {@link Core.startSpan} or {@link Core.endSpan}. The last value of a field counts.
 *
 * User code runs while a set is filled: the filter, and getters of what an SDK hands over. It may open and end other
 * spans. So each start and each end has a set of its own, and the core's memory is written only when the set is full.
 */
export class SpanFields implements FieldValues {
  readonly fields: number[] = [];
  readonly values: (string | number)[] = [];
  readonly #filter: FieldFilter | undefined;
  readonly #takesLabelsOnly: boolean;

  /** @param takesLabelsOnly leaves out texts that are no labels of metrics: nothing traces the span. */
  constructor(filter?: FieldFilter, takesLabelsOnly = false) {
    this.#filter = filter;
    this.#takesLabelsOnly = takesLabelsOnly;
  }

  /** A text, with the secrets of its addresses masked: it may be a label. Anything but a string is taken as absent. */
  text(field: number, value: unknown): this {
    if (typeof value !== "string" || this.#leavesOut(field)) return this;
    const clean = maskSecrets(value);
    if (this.#filter === undefined) return this.#add(field, clean);
    const filtered = this.#filter(field, clean);
    return filtered === undefined ? this : this.#add(field, filtered);
  }

  /** A text that has passed the filter already or needs none; undefined for none. */
  verbatim(field: number, value: string | undefined): this {
    return value === undefined || this.#leavesOut(field) ? this : this.#add(field, value);
  }

  /** A list of texts; what is no text in it is left out, and a list without any is taken as absent. */
  texts(field: number, value: unknown): this {
    if (!Array.isArray(value) || this.#takesLabelsOnly) return this;
    const filter = this.#filter;
    const list = value
      .filter((item): item is string => typeof item === "string")
      .map(maskSecrets)
      .map((item) => (filter === undefined ? item : filter(field, item)))
      .filter((item) => item !== undefined);
    return list.length === 0 ? this : this.verbatim(field, JSON.stringify(list));
  }

  /** A number; anything else is taken as absent. The core refuses what is not finite. */
  number(field: number, value: unknown): this {
    return typeof value === "number" ? this.#add(field, value) : this;
  }

  flag(field: number, value: boolean): this {
    return value ? this.number(field, 1) : this;
  }

  #leavesOut(field: number): boolean {
    return this.#takesLabelsOnly && isLabel[field] !== 1;
  }

  #add(field: number, value: string | number): this {
    this.fields.push(field);
    this.values.push(value);
    return this;
  }
}

/** Of a span that has no fields. */
export const noFields: FieldValues = { fields: [], values: [] };

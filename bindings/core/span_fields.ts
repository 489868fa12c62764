import { maskSecrets } from "../base/address.ts";
import { Abi, labelFields } from "./abi.gen.ts";

/** 1 for each field whose text is a label of GenAI metrics, by field. */
export const isLabel: Uint8Array = new Uint8Array(Abi.maxFields);
for (const field of labelFields) isLabel[field] = 1;

/** Replaces a text before it is stored. Undefined makes the field absent. */
export type FieldFilter = (field: number, value: string) => string | undefined;

/** The part of a field set that the core reads. */
export interface FieldValues {
  /** The fields in the order in which they were set. */
  readonly fields: readonly number[];
  /** A text or a number for each field in {@link fields}. */
  readonly values: readonly (string | number)[];
}

/**
 * The typed fields of one span, for {@link Core.startSpan} or {@link Core.endSpan}. The last value set for a field
 * wins.
 *
 * User code runs while a set is filled: the filter, and getters of an SDK's objects. It may open and end other spans.
 * Therefore each start and each end uses a separate set, and the core's memory is written only after the set is
 * complete.
 */
export class SpanFields implements FieldValues {
  readonly fields: number[] = [];
  readonly values: (string | number)[] = [];
  readonly #filter: FieldFilter | undefined;
  readonly #takesLabelsOnly: boolean;

  /**
   * @param takesLabelsOnly whether to ignore texts that are not labels of metrics. Set for spans that no trace records.
   */
  constructor(filter?: FieldFilter, takesLabelsOnly = false) {
    this.#filter = filter;
    this.#takesLabelsOnly = takesLabelsOnly;
  }

  /**
   * Sets a text and masks the secrets in its addresses, because it may become a label. Values other than strings count
   * as absent.
   */
  text(field: number, value: unknown): this {
    if (typeof value !== "string" || this.#leavesOut(field)) return this;
    const clean = maskSecrets(value);
    if (this.#filter === undefined) return this.#add(field, clean);
    const filtered = this.#filter(field, clean);
    return filtered === undefined ? this : this.#add(field, filtered);
  }

  /** Sets a text that has passed the filter or needs none. Undefined counts as absent. */
  verbatim(field: number, value: string | undefined): this {
    return value === undefined || this.#leavesOut(field) ? this : this.#add(field, value);
  }

  /** Sets a list of texts. Ignores items other than strings. A list without strings counts as absent. */
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

  /** Sets a number. Other values count as absent. The core refuses numbers that are not finite. */
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

/** The field set of a span without fields. */
export const noFields: FieldValues = { fields: [], values: [] };

import { Abi, Field } from "./abi.gen.ts";
import { utf8Length } from "./utf8.ts";

/** Whether the text of a field is a label of GenAI metrics, by field. */
const isLabel = new Uint8Array(Abi.maxFields);
for (const field of [
  Field.providerName,
  Field.requestModel,
  Field.responseModel,
  Field.errorType,
  Field.agentName,
  Field.toolName,
  Field.toolType,
]) {
  isLabel[field] = 1;
}

/**
 * The typed fields of one span on their way into the core. Numbers and lengths are written straight into the
 * exchange block; texts stay here, and the plan names them by field.
 *
 * There is one set per core: fill it and start or end the span before anything else runs.
 */
export class FieldSet {
  /** Changes every text before it is taken; undefined makes the field absent. */
  filter: ((field: number, value: string) => string | undefined) | undefined;
  /** Gives the core's identifier of a label of metrics, where spans are measured. */
  internLabel: ((value: string) => number) | undefined;
  /** Takes no texts but labels: those of a span that nothing traces go nowhere else. */
  takesLabelsOnly = false;
  readonly #texts: string[] = new Array<string>(Abi.maxFields).fill("");
  #numbers: Float64Array;
  #sizes: Uint32Array;
  #textIds: Uint32Array;
  #present: Uint32Array;

  constructor(memory: WebAssembly.Memory, exchange: number) {
    [this.#numbers, this.#sizes, this.#textIds, this.#present] = views(memory, exchange);
  }

  /** Takes the views anew after memory grew; what was filled in stays, it lies in the memory. */
  attach(memory: WebAssembly.Memory, exchange: number): void {
    [this.#numbers, this.#sizes, this.#textIds, this.#present] = views(memory, exchange);
  }

  /** Makes every field absent. */
  clear(): this {
    const present = this.#present;
    present[0] = 0;
    present[1] = 0;
    present[2] = 0;
    present[3] = 0;
    return this;
  }

  /** A text; anything but a string is taken as absent. */
  text(field: number, value: unknown): this {
    if (typeof value !== "string" || this.#leavesOut(field)) return this;
    if (this.filter === undefined) return this.#put(field, value);
    const filtered = this.filter(field, value);
    return filtered === undefined ? this : this.#put(field, filtered);
  }

  /** A text that {@link filter} has seen already, or undefined for none. */
  verbatim(field: number, value: string | undefined): this {
    return value === undefined || this.#leavesOut(field) ? this : this.#put(field, value);
  }

  #put(field: number, value: string): this {
    // Before the views are touched: it may grow the memory.
    const textId = isLabel[field] === 1 ? (this.internLabel?.(value) ?? 0) : 0;
    this.#texts[field] = value;
    this.#sizes[field] = value.length;
    this.#textIds[field] = textId;
    return this.#add(field);
  }

  /** A list of texts; what is no text in it is left out, and a list without any is taken as absent. */
  texts(field: number, value: unknown): this {
    if (!Array.isArray(value) || this.takesLabelsOnly) return this;
    const { filter } = this;
    const list = value
      .filter((item): item is string => typeof item === "string")
      .map((item) => (filter === undefined ? item : filter(field, item)))
      .filter((item) => item !== undefined);
    return list.length === 0 ? this : this.verbatim(field, JSON.stringify(list));
  }

  /** A text of few distinct values, known to the core by `textId`. */
  interned(field: number, value: string, textId: number): this {
    this.verbatim(field, value);
    this.#textIds[field] = textId;
    return this;
  }

  /** A number; anything else is taken as absent. The core refuses what is not finite. */
  number(field: number, value: unknown): this {
    if (typeof value !== "number") return this;
    this.#numbers[field] = value;
    return this.#add(field);
  }

  flag(field: number, value: boolean): this {
    return value ? this.number(field, 1) : this;
  }

  numberAt(field: number): number {
    return this.#numbers[field] as number;
  }

  /** The text of a field, handed over: large texts must not outlive their span here. */
  takeText(field: number): string {
    const text = this.#texts[field] as string;
    this.#texts[field] = "";
    return text;
  }

  /** Replaces the lengths of all texts, in UTF-16 units so far, by their UTF-8 bytes. */
  measureTexts(): void {
    for (let field = 0; field < Abi.maxFields; field += 1) {
      if (this.#sizes[field] === Abi.internedSize || !this.#has(field)) continue;
      this.#sizes[field] = utf8Length(this.#texts[field] as string);
    }
  }

  #leavesOut(field: number): boolean {
    return this.takesLabelsOnly && isLabel[field] !== 1;
  }

  #has(field: number): boolean {
    return ((this.#present[field >> 5] as number) & (1 << (field & 31))) !== 0;
  }

  #add(field: number): this {
    this.#present[field >> 5] = (this.#present[field >> 5] as number) | (1 << (field & 31));
    return this;
  }
}

function views(
  { buffer }: WebAssembly.Memory,
  exchange: number,
): [Float64Array, Uint32Array, Uint32Array, Uint32Array] {
  return [
    new Float64Array(buffer, exchange + Abi.exchangeNumber, Abi.maxFields),
    new Uint32Array(buffer, exchange + Abi.exchangeSize, Abi.maxFields),
    new Uint32Array(buffer, exchange + Abi.exchangeTextId, Abi.maxFields),
    new Uint32Array(buffer, exchange + Abi.exchangePresent, Abi.maxFields / 32),
  ];
}

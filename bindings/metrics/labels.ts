import type { Series } from "./series.ts";

/** A value of a label; numbers and booleans are written as text. An empty text is a label that is not set. */
export type LabelValue = string | number | boolean;

/** A value for each label of a metric. */
export type Labels<L extends string> = Readonly<Record<L, LabelValue>>;

/** The text of a label value; undefined for what is none. */
export function labelText(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "boolean":
      return String(value);
    default:
      return undefined;
  }
}

/** Nested maps from the values of a label set, in the order of the names, to its series. */
type Node = Map<unknown, unknown>;

/** Finds the series of label sets seen before without building a key of them. */
export class LabelTrie {
  readonly #names: readonly string[];
  readonly #maxLeaves: number;
  readonly #root: Node = new Map();
  #leaves = 0;

  /** @param maxLeaves label sets that are remembered; those after them are not. */
  constructor(names: readonly string[], maxLeaves: number) {
    this.#names = names;
    this.#maxLeaves = maxLeaves;
  }

  /** @throws what a getter of `labels` throws, or TypeError when they are no object. */
  get(labels: object): Series | undefined {
    const names = this.#names;
    const values = labels as Readonly<Record<string, unknown>>;
    let node: unknown = this.#root;
    for (let i = 0; i < names.length; i += 1) {
      node = (node as Node).get(values[names[i] as string]);
      if (node === undefined) return undefined;
    }
    return node as Series;
  }

  /** @param values in the order of the names. */
  set(values: readonly unknown[], series: Series): void {
    if (this.#leaves >= this.#maxLeaves) return;
    this.#leaves += 1;
    let node = this.#root;
    for (const value of values.slice(0, -1)) {
      let next = node.get(value) as Node | undefined;
      if (next === undefined) {
        next = new Map();
        node.set(value, next);
      }
      node = next;
    }
    node.set(values.at(-1), series);
  }
}

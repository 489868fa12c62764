/** A label value. Numbers and booleans are converted to text. An empty string leaves the label unset. */
export type LabelValue = string | number | boolean;

/** A value for each label of a metric. */
export type Labels<L extends string> = Readonly<Record<L, LabelValue>>;

/** Returns the text of a label value, or undefined for a value of another type. */
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

/** Nested maps from label values, in the order of the label names, to series. */
type Node = Map<unknown, unknown>;

/** Finds the series of a known label set without building a key. */
export class LabelTrie<Series extends object> {
  readonly #names: readonly string[];
  // V8 reads a property much faster if one place in the code always reads the same name.
  readonly #firstName: string;
  readonly #secondName: string;
  readonly #thirdName: string;
  readonly #maxLeaves: number;
  readonly #root: Node = new Map();
  #leaves = 0;

  /**
   * @param names at least one.
   * @param maxLeaves limit of remembered label sets. Further label sets are not remembered.
   */
  constructor(names: readonly string[], maxLeaves: number) {
    this.#names = names;
    [this.#firstName = "", this.#secondName = "", this.#thirdName = ""] = names;
    this.#maxLeaves = maxLeaves;
  }

  /** Returns the series of a label set. Throws if `labels` is not an object or a getter throws. */
  get(labels: object): Series | undefined {
    const names = this.#names;
    const values = labels as Readonly<Record<string, unknown>>;
    let node = this.#root.get(values[this.#firstName]);
    if (names.length === 1 || node === undefined) return node as Series | undefined;
    node = (node as Node).get(values[this.#secondName]);
    if (names.length === 2 || node === undefined) return node as Series | undefined;
    node = (node as Node).get(values[this.#thirdName]);
    for (let i = 3; i < names.length && node !== undefined; i += 1) {
      node = (node as Node).get(values[names[i] as string]);
    }
    return node as Series | undefined;
  }

  /** @param values label values in the order of the label names. */
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

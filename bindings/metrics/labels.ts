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
export class LabelTrie<Series extends object> {
  readonly #names: readonly string[];
  // A property that is always asked for by one name at one place is found far faster.
  readonly #firstName: string;
  readonly #secondName: string;
  readonly #thirdName: string;
  readonly #maxLeaves: number;
  readonly #root: Node = new Map();
  #leaves = 0;

  /**
   * @param names at least one.
   * @param maxLeaves label sets that are remembered; those after them are not.
   */
  constructor(names: readonly string[], maxLeaves: number) {
    this.#names = names;
    [this.#firstName = "", this.#secondName = "", this.#thirdName = ""] = names;
    this.#maxLeaves = maxLeaves;
  }

  /** @throws what a getter of `labels` throws, or TypeError when they are no object. */
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

import { Limits } from "../core/abi.gen.ts";

const other = "_OTHER";

/**
 * The values of labels of built-in metrics that the Worker's users may choose. Each label has a limit of distinct
 * values, so that one label does not fill the label sets of its metric. The core does the same for GenAI metrics.
 */
export class LabelValues {
  max: number = Limits.defaultLabelValues;
  /** Number of times that a value was replaced by `_OTHER`. */
  overflowed = 0;
  readonly #known = new Map<string, Set<string>>();

  /** Returns the value, or `_OTHER` if the label has all its values. An empty text and `_OTHER` do not count. */
  admit(label: string, value: string): string {
    if (value === "" || value === other) return value;
    let known = this.#known.get(label);
    if (known === undefined) {
      known = new Set();
      this.#known.set(label, known);
    }
    if (known.has(value)) return value;
    if (known.size >= this.max) {
      this.overflowed += 1;
      return other;
    }
    known.add(value);
    return value;
  }
}

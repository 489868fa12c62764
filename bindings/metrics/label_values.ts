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
  /** Labels for which that happened, each as "LABEL of METRIC". */
  readonly full: Set<string> = new Set();
  readonly #known = new Map<string, Set<string>>();

  /**
   * Returns the value, or `_OTHER` if the label has all its values. An empty text and `_OTHER` do not count.
   *
   * @param service Services do not take values from each other.
   */
  admit(metric: string, label: string, value: string, service = ""): string {
    if (value === "" || value === other) return value;
    const key = `${label} ${service}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = new Set();
      this.#known.set(key, known);
    }
    if (known.has(value)) return value;
    if (known.size >= this.max) {
      this.overflowed += 1;
      this.full.add(`${label} of ${metric}`);
      return other;
    }
    known.add(value);
    return value;
  }
}

import { maskSecrets } from "../base/address.ts";
import { shapeOf } from "../base/values.ts";
import { Limits, MetricKind } from "../core/abi.gen.ts";
import type { Declaration } from "../core/declaration.ts";
import { isName, shownLabel } from "./definitions.ts";
import type { Family, FamilyHost, Series } from "./family.ts";
import { labelText } from "./labels.ts";

/** The label of the overflow series in expositions. */
const overflowLabel = "otel_metric_overflow";
/** Limit of different sets of label names. Each is a family of the core, which has at most 1,000. */
const maxFamilies = 30;

/**
 * A metric whose records name their labels. It has a family for each set of label names. Expositions show these
 * families as one metric.
 */
export class OpenFamily {
  readonly declaration: Declaration;
  readonly #meter: FamilyHost;
  readonly #makeFamily: (labels: readonly string[]) => Family;
  readonly #families = new Map<string, Family>();
  /** By names and values. */
  readonly #series = new Map<string, Series>();
  #overflow: Series | undefined;

  /** @param makeFamily makes the family of a set of label names. */
  constructor(
    meter: FamilyHost,
    declaration: Declaration,
    makeFamily: (labels: readonly string[]) => Family,
  ) {
    this.#meter = meter;
    this.declaration = declaration;
    this.#makeFamily = makeFamily;
  }

  /**
   * Returns the series of a label set. Past 2,000 label sets, 30 sets of label names or 32 labels it returns the overflow
   * series. Lists are converted to JSON. Leaves out labels with other values, and names that no exposition can show.
   */
  seriesOf(labels: object): Series {
    const values = labels as Readonly<Record<string, unknown>>;
    let key = "";
    const names: string[] = [];
    const texts: string[] = [];
    for (const name of Object.keys(labels).sort()) {
      const value = values[name];
      const text = Array.isArray(value) ? JSON.stringify(value) : labelText(value);
      if (text === undefined) continue;
      names.push(name);
      texts.push(text);
      key += `${name.length},${text.length},${name}${text}`;
    }
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= Limits.maxSeriesPerFamily) return this.#overflowSeries();
    const series = this.#newSeries(names, texts);
    this.#series.set(key, series);
    return series;
  }

  /** Counts and logs a value that is not recorded. */
  refuse(value: unknown, rule: string): void {
    this.#meter.countInvalidValue();
    const { name } = this.declaration;
    this.#meter.warnOnce(
      `value ${name}`,
      `isotel: a value of "${name}" is ${shapeOf(value)}; it has to be ${rule}. It was not recorded`,
    );
  }

  #newSeries(given: readonly string[], texts: readonly string[]): Series {
    const labels = new Map<string, string>();
    given.forEach((name, i) => {
      const label = this.#labelName(name);
      if (label === undefined) this.#warnLabel(name);
      else if (!labels.has(label)) labels.set(label, maskSecrets(texts[i] as string));
    });
    const names = [...labels.keys()].sort();
    const family = names.length > Limits.maxLabels ? undefined : this.#family(names);
    const values = names.map((name) => labels.get(name) as string);
    return family === undefined ? this.#overflowSeries() : family.seriesWith(values);
  }

  #family(names: readonly string[]): Family | undefined {
    const key = JSON.stringify(names);
    let family = this.#families.get(key);
    if (family === undefined && this.#families.size < maxFamilies) {
      family = this.#makeFamily(names);
      this.#families.set(key, family);
    }
    return family;
  }

  #overflowSeries(): Series {
    this.#overflow ??= this.#makeFamily([overflowLabel]).seriesWith(["true"]);
    return this.#overflow;
  }

  /** Returns the name of a label, changed if expositions reserve it. Returns undefined if no exposition can show it. */
  #labelName(name: string): string | undefined {
    if (!isName(name)) return undefined;
    const label = name.replace(/^__+/, "_");
    const shown = shownLabel(label);
    const isBound = this.declaration.kind >= MetricKind.histogram && shown === "le";
    return isBound || shown === "isotel_definition" || shown === overflowLabel
      ? `${label}_`
      : label;
  }

  #warnLabel(name: string): void {
    this.#meter.warnOnce(
      `label of ${this.declaration.name}`,
      `isotel: a label name of "${this.declaration.name}" has ${name.length} characters and no exposition can show ` +
        "it; the record has no such label",
    );
  }
}

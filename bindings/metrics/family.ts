import { ErrorCode, Limits, MetricKind } from "../core/abi.gen.ts";
import { maskSecrets } from "../core/address.ts";
import type { Declaration } from "../core/declaration.ts";
import type { MetricsCore } from "../core/metrics_core.ts";
import { LabelTrie, labelText } from "./labels.ts";
import type { Meter } from "./meter.ts";
import { Series } from "./series.ts";
import { shapeOf } from "./shape.ts";

/** Beyond the cap, so many label sets of the overflow series are remembered too. */
const maxOverflowing = 2000;

/** A metric family: its series, and its number in the core that is alive. */
export class Family {
  readonly meter: Meter;
  readonly isGauge: boolean;
  readonly #declaration: Declaration;
  readonly #trie: LabelTrie;
  readonly #maxRemembered: number;
  /** By the texts of their labels: a number and its text are one label value. */
  readonly #series = new Map<string, Series>();
  #core: MetricsCore | undefined;
  #number = 0;

  constructor(meter: Meter, declaration: Declaration) {
    this.meter = meter;
    this.isGauge =
      declaration.kind >= MetricKind.gaugeSum && declaration.kind <= MetricKind.gaugeLast;
    this.#declaration = declaration;
    this.#maxRemembered = (declaration.maxSeries || Limits.maxSeriesPerFamily) + maxOverflowing;
    this.#trie = new LabelTrie(declaration.labels, this.#maxRemembered);
  }

  get declaration(): Declaration {
    return this.#declaration;
  }

  /** The series of a label set; undefined when a label has no value (counted). Never throws. */
  seriesOf(labels: object): Series | undefined {
    try {
      return this.#trie.get(labels) ?? this.#meet(labels);
    } catch {
      this.#refuseLabels("the labels", labels, "an object whose properties can be read");
      return undefined;
    }
  }

  /** The only series of a family without labels. */
  onlySeries(): Series {
    return this.#seriesWith([]);
  }

  /** The row of a label set in the live core; undefined where there is none, or it refuses the family. */
  bind(
    values: readonly string[],
  ): { readonly core: MetricsCore; readonly row: number } | undefined {
    const core = this.meter.core();
    if (core === undefined) return undefined;
    this.declareIn(core);
    const row = this.#number < 0 ? this.#number : core.bind(this.#number, values);
    return row >= 0 ? { core, row } : undefined;
  }

  /** Declares the family in a core, once. A built-in one of the same name gives way, and the console says so. */
  declareIn(core: MetricsCore): void {
    if (this.#core === core) return;
    this.#core = core;
    const replaced = core.replacedFamilies;
    this.#number = core.declare(this.#declaration);
    if (!core.isAlive) return;
    const name = JSON.stringify(this.#declaration.name);
    if (this.hasGivenWay) this.meter.warnGivesWay(`the built-in metric ${name} is`, "its");
    else if (this.#number < 0) this.meter.warnRefused(this.#declaration, this.#number);
    else if (core.replacedFamilies > replaced) {
      this.meter.warnGivesWay(`the built-in metric that ${name} is named like is`, "its");
    }
  }

  /** Whether it is built in and the Worker has defined a metric of its name: nothing is recorded then. */
  get hasGivenWay(): boolean {
    return this.#declaration.isBuiltIn && this.#number === ErrorCode.conflict;
  }

  /** Tells of a value that was not recorded. */
  refuseValue(value: unknown): void {
    if (typeof value === "number") this.meter.noteRefusedValue();
    else this.meter.countInvalidValue();
    const { name, kind } = this.#declaration;
    const rule =
      kind === MetricKind.counter ? "a finite number of at least 0" : "a number that is finite";
    this.meter.warnOnce(
      `value ${name}`,
      `isotel: a value of "${name}" is ${shapeOf(value)}; it has to be ${rule}, and was not recorded`,
    );
  }

  #meet(labels: object): Series | undefined {
    const { labels: names } = this.#declaration;
    const values = labels as Readonly<Record<string, unknown>>;
    const raw: unknown[] = [];
    const texts: string[] = [];
    for (const name of names) {
      const value = values[name];
      const text = labelText(value);
      if (text === undefined) {
        this.#refuseLabels(`the label "${name}"`, value, "a string, a number or a boolean");
        return undefined;
      }
      raw.push(value);
      texts.push(maskSecrets(text));
    }
    const unknown = Object.keys(labels).find((key) => !names.includes(key));
    if (unknown !== undefined) this.#warnUnknown(unknown);
    const series = this.#seriesWith(texts);
    this.#trie.set(raw, series);
    return series;
  }

  #seriesWith(texts: readonly string[]): Series {
    const key = JSON.stringify(texts);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const series = new Series(this, texts);
    if (this.#series.size < this.#maxRemembered) {
      this.#series.set(key, series);
      if (this.isGauge) this.meter.rememberGauge(series);
    }
    return series;
  }

  #refuseLabels(what: string, value: unknown, rule: string): void {
    this.meter.countInvalidLabels();
    const { name } = this.#declaration;
    this.meter.warnOnce(
      `labels ${name}`,
      `isotel: ${what} of "${name}" is ${shapeOf(value)}; it has to be ${rule}, and nothing was recorded`,
    );
  }

  #warnUnknown(label: string): void {
    const { name, labels } = this.#declaration;
    this.meter.warnOnce(
      `unknown ${name}`,
      `isotel: "${name}" has no label of ${label.length} characters that it was given; ` +
        `it has ${labels.length === 0 ? "none" : labels.map((known) => `"${known}"`).join(", ")}`,
    );
  }
}

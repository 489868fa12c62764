import { maskSecrets } from "../base/address.ts";
import { isSpanId, isTraceId, shapeOf } from "../base/values.ts";
import { ErrorCode, gaugeCodes, Limits, MetricKind } from "../core/abi.gen.ts";
import { trapped } from "../core/core.ts";
import type { Declaration } from "../core/declaration.ts";
import type { MetricsCore } from "../core/metrics_core.ts";
import type { SpanContext } from "../trace/span_runtime.ts";
import { type Labels, LabelTrie, labelText } from "./labels.ts";

/** The part of the meter that its families use. */
export interface FamilyHost {
  /** Whether a flush is already scheduled. */
  readonly isAwake: boolean;
  /** Number of labels that every series has in addition to its own. */
  readonly constantLabelCount: number;
  /** Requests a flush. */
  wake(): void;
  /** Returns the live core as a producer of frames, or undefined. */
  core(): MetricsCore | undefined;
  /** Keeps a gauge, so that its value is set in the next instance of the core. */
  rememberGauge(series: Series): void;
  /** Counts a record that was lost because there was no core. */
  countLost(): void;
  countInvalidValue(): void;
  countInvalidLabels(): void;
  /** Notes that the core has refused and counted a value. */
  noteRefusedValue(): void;
  warnOnce(key: string, message: string): void;
  warnGivesWay(metric: string): void;
  warnRefused(declaration: Declaration, code: number): void;
}

/** One label set of a family, and its row in the live core. */
export class Series {
  readonly #family: Family;
  readonly #meter: FamilyHost;
  readonly #isGauge: boolean;
  readonly #values: readonly string[];
  #core: MetricsCore | undefined;
  #row = 0;
  /**
   * The value of a gauge, for the next core. NaN if none was set. Initialized with a number because V8 then stores the
   * field without an allocation.
   */
  #gauge = Number.NaN;

  /** @param values label values in the order of the label names. */
  constructor(family: Family, values: readonly string[]) {
    this.#family = family;
    this.#meter = family.meter;
    this.#isGauge = family.isGauge;
    this.#values = values;
  }

  /** Adds to a counter, sets a gauge, or observes a value in a histogram. Never throws. */
  record(value: number, exemplar?: unknown): void {
    const core = this.#core?.isAlive === true ? this.#core : this.#attach();
    if (core === undefined || typeof value !== "number") {
      this.#refuse(core, value);
      return;
    }
    const answer =
      exemplar === undefined
        ? core.record(this.#row, value)
        : this.#recordExemplar(core, value, exemplar);
    if (answer !== ErrorCode.ok) {
      this.#failed(answer, value);
      return;
    }
    if (this.#isGauge) this.#gauge = value;
    if (!this.#meter.isAwake) this.#meter.wake();
  }

  /** Adds to a gauge. Never throws. */
  add(value: number): void {
    const core = this.#core?.isAlive === true ? this.#core : this.#attach();
    if (core === undefined || typeof value !== "number") {
      this.#refuse(core, value);
      return;
    }
    const answer = core.add(this.#row, value);
    if (answer !== ErrorCode.ok) {
      this.#failed(answer, value);
      return;
    }
    this.#gauge = value + (Number.isNaN(this.#gauge) ? 0 : this.#gauge);
    if (!this.#meter.isAwake) this.#meter.wake();
  }

  /** Binds the series to a row of the live core. A gauge gets its value there. */
  attach(): void {
    if (this.#core?.isAlive !== true) this.#attach();
  }

  #attach(): MetricsCore | undefined {
    this.#core = undefined;
    const bound = this.#family.bind(this.#values);
    if (bound === undefined) return undefined;
    this.#core = bound.core;
    this.#row = bound.row;
    if (!Number.isNaN(this.#gauge)) bound.core.add(bound.row, this.#gauge);
    return bound.core;
  }

  #recordExemplar(core: MetricsCore, value: number, exemplar: unknown): number {
    const identity = identityOf(exemplar);
    return identity === undefined
      ? core.record(this.#row, value)
      : core.recordExemplar(this.#row, value, identity.traceId, identity.spanId);
  }

  #refuse(core: MetricsCore | undefined, value: unknown): void {
    if (this.#family.hasGivenWay) return;
    if (core === undefined) this.#meter.countLost();
    else this.#family.refuseValue(value);
  }

  #failed(answer: number, value: unknown): void {
    if (answer === trapped) this.#meter.countLost();
    else this.#family.refuseValue(value);
  }
}

/** The span of an exemplar: its ids, or a span that has them. */
export type ExemplarSource =
  | { readonly traceId: string; readonly spanId: string }
  | { spanContext(): SpanContext | undefined };

/** Returns the ids of a span, or undefined if it has none. Never throws. */
export function identityOf(
  source: unknown,
): { readonly traceId: string; readonly spanId: string } | undefined {
  try {
    const { spanContext } = source as { spanContext?: unknown };
    const identity = typeof spanContext === "function" ? spanContext.call(source) : source;
    const { traceId, spanId } = identity as { traceId: unknown; spanId: unknown };
    return isTraceId(traceId) && isSpanId(spanId) ? { traceId, spanId } : undefined;
  } catch {
    return undefined;
  }
}

/** Limit of remembered label sets beyond `maxSeries`. They share the overflow series. */
const maxOverflowing = 2000;

/** A metric family: its series, and its number in the live core. */
export class Family {
  readonly meter: FamilyHost;
  readonly isGauge: boolean;
  readonly #declaration: Declaration;
  readonly #trie: LabelTrie<Series>;
  readonly #maxRemembered: number;
  /** By the texts of the label values. A number and its text are the same label value. */
  readonly #series = new Map<string, Series>();
  /** The series that are shown at 0 before their first record. */
  readonly #zeros = new Set<Series>();
  /** The core in which these series have rows. */
  #zerosCore: MetricsCore | undefined;
  #core: MetricsCore | undefined;
  #number = 0;

  constructor(meter: FamilyHost, declaration: Declaration) {
    this.meter = meter;
    this.isGauge = (gaugeCodes as readonly number[]).includes(declaration.kind);
    this.#declaration = declaration;
    this.#maxRemembered = (declaration.maxSeries || Limits.maxSeriesPerFamily) + maxOverflowing;
    this.#trie = new LabelTrie(declaration.labels, this.#maxRemembered);
  }

  get declaration(): Declaration {
    return this.#declaration;
  }

  /**
   * Returns the series of a label set. Returns undefined if a label has no valid value, which is counted. Never throws.
   */
  seriesOf(labels: object): Series | undefined {
    try {
      return this.#trie.get(labels) ?? this.#addLabels(labels);
    } catch {
      this.#refuseLabels("the labels", labels, "an object whose properties can be read");
      return undefined;
    }
  }

  /** Returns the only series of a family without labels. */
  onlySeries(): Series {
    return this.seriesWith([]);
  }

  /**
   * Returns the row of a label set in the live core. Returns undefined if there is no core or it refuses the family.
   */
  bind(
    values: readonly string[],
  ): { readonly core: MetricsCore; readonly row: number } | undefined {
    const core = this.meter.core();
    if (core === undefined) return undefined;
    this.declareIn(core);
    // First, so that the label sets that are known in advance do not overflow.
    this.attachZeros(core);
    const row = this.#number < 0 ? this.#number : core.bind(this.#number, values);
    return row >= 0 ? { core, row } : undefined;
  }

  /** Shows series at 0 from the next flush on. */
  showAtZero(zeros: readonly Labels<string>[]): void {
    const isOnly = this.#declaration.labels.length === 0;
    for (const labels of zeros) {
      const series = isOnly ? this.onlySeries() : this.seriesOf(labels);
      if (series !== undefined) this.#zeros.add(series);
    }
    this.#zerosCore = undefined;
  }

  /** Binds the series that are shown at 0 to rows of a core, once. The next frame contains them. */
  attachZeros(core: MetricsCore): void {
    if (this.#zerosCore === core) return;
    this.#zerosCore = core;
    for (const series of this.#zeros) series.attach();
  }

  /**
   * Declares the family in a core, once. If a built-in family has the same name, it gives way, which is logged once.
   */
  declareIn(core: MetricsCore): void {
    if (this.#core === core) return;
    this.#core = core;
    const replaced = core.replacedFamilies;
    this.#number = core.declare(this.#declaration);
    if (!core.isAlive) return;
    const name = JSON.stringify(this.#declaration.name);
    const { length } = this.#declaration.labels;
    const { constantLabelCount } = this.meter;
    // One label more marks an overflow series.
    if (constantLabelCount > 0 && length + constantLabelCount >= Limits.maxLabels) {
      this.meter.warnOnce(
        `labels of ${name}`,
        `isotel: ${name} has ${length} labels, so it does not have all of metrics.constantLabels; ` +
          `a series has at most ${Limits.maxLabels} labels`,
      );
    }
    if (this.hasGivenWay) this.meter.warnGivesWay(`the built-in metric ${name} is`);
    else if (this.#number < 0) this.meter.warnRefused(this.#declaration, this.#number);
    else if (core.replacedFamilies > replaced) {
      this.meter.warnGivesWay(`the built-in metric that conflicts with ${name} is`);
    }
  }

  /** Whether this built-in family has given way to a metric of the Worker. Nothing is recorded in it then. */
  get hasGivenWay(): boolean {
    return this.#declaration.isBuiltIn && this.#number === ErrorCode.conflict;
  }

  /** Counts and logs a value that was not recorded. */
  refuseValue(value: unknown): void {
    if (typeof value === "number") this.meter.noteRefusedValue();
    else this.meter.countInvalidValue();
    const { name, kind } = this.#declaration;
    const rule = kind === MetricKind.counter ? "a finite number of at least 0" : "a finite number";
    this.meter.warnOnce(
      `value ${name}`,
      `isotel: a value of "${name}" is ${shapeOf(value)}; it has to be ${rule}. It was not recorded`,
    );
  }

  #addLabels(labels: object): Series | undefined {
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
    const series = this.seriesWith(texts);
    this.#trie.set(raw, series);
    return series;
  }

  /** @param texts label values in the order of the label names. */
  seriesWith(texts: readonly string[]): Series {
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

  #refuseLabels(subject: string, value: unknown, rule: string): void {
    this.meter.countInvalidLabels();
    const { name } = this.#declaration;
    this.meter.warnOnce(
      `labels ${name}`,
      `isotel: ${subject} of "${name}" is ${shapeOf(value)}; it has to be ${rule}. Nothing was recorded`,
    );
  }

  #warnUnknown(label: string): void {
    const { name, labels } = this.#declaration;
    const list = labels.map((known) => `"${known}"`).join(", ");
    this.meter.warnOnce(
      `unknown ${name}`,
      `isotel: a label name of ${label.length} characters is not one of "${name}" and is ignored; ` +
        `the metric has ${labels.length === 0 ? "no labels" : `the labels ${list}`}`,
    );
  }
}

import type { ExemplarSource, Family, Series } from "./family.ts";
import type { Labels } from "./labels.ts";

/** A counter without labels, or one label set of a counter. */
export interface BoundCounter {
  /**
   * Adds to the counter. Never throws.
   *
   * @param value at least 0. Default: 1.
   * @param exemplar a span to show next to the counter.
   */
  add(value?: number, exemplar?: ExemplarSource): void;
}

/** A counter with labels. */
export interface Counter<L extends string> {
  /**
   * Adds to the counter of a label set. Never throws.
   *
   * @param value at least 0. Undefined adds 1.
   * @param labels a value for each label.
   * @param exemplar a span to show next to the counter.
   */
  add(value: number | undefined, labels: Labels<L>, exemplar?: ExemplarSource): void;
  /** Returns the counter of one label set. Saves the lookup of the label set in later calls. */
  bind(labels: Labels<L>): BoundCounter;
}

/** A gauge without labels, or one label set of a gauge. */
export interface BoundGauge {
  /** Sets the value of this isolate. Never throws. */
  set(value: number): void;
  /** Adds to the value of this isolate, which starts at 0. A negative number lowers it. Never throws. */
  add(value: number): void;
}

/** A gauge with labels. */
export interface Gauge<L extends string> {
  /** Sets the value of a label set in this isolate. Never throws. */
  set(value: number, labels: Labels<L>): void;
  /** Adds to the value of a label set in this isolate, which starts at 0. A negative number lowers it. Never throws. */
  add(value: number, labels: Labels<L>): void;
  /** Returns the gauge of one label set. Saves the lookup of the label set in later calls. */
  bind(labels: Labels<L>): BoundGauge;
}

/** A histogram without labels, or one label set of a histogram. */
export interface BoundHistogram {
  /**
   * Records a value. Never throws.
   *
   * @param value any finite number.
   * @param exemplar a span to show next to the value's bucket.
   */
  record(value: number, exemplar?: ExemplarSource): void;
}

/** A histogram with labels. */
export interface Histogram<L extends string> {
  /**
   * Records a value of a label set. Never throws.
   *
   * @param value any finite number.
   * @param labels a value for each label.
   * @param exemplar a span to show next to the value's bucket.
   */
  record(value: number, labels: Labels<L>, exemplar?: ExemplarSource): void;
  /** Returns the histogram of one label set. Saves the lookup of the label set in later calls. */
  bind(labels: Labels<L>): BoundHistogram;
}

// One class for all kinds, so that a record costs only the lookup of its series and one call of the core.

class BoundHandle implements BoundCounter, BoundGauge, BoundHistogram {
  readonly #series: Series | undefined;
  readonly #isGauge: boolean;

  constructor(series: Series | undefined, isGauge: boolean) {
    this.#series = series;
    this.#isGauge = isGauge;
  }

  add(value: number = 1, exemplar?: ExemplarSource): void {
    if (this.#isGauge) this.#series?.add(value);
    else this.#series?.record(value, exemplar);
  }

  set(value: number): void {
    this.#series?.record(value);
  }

  record(value: number, exemplar?: ExemplarSource): void {
    this.#series?.record(value, exemplar);
  }
}

class LabelledHandle implements Counter<string>, Gauge<string>, Histogram<string> {
  readonly #family: Family;

  constructor(family: Family) {
    this.#family = family;
  }

  add(value: number = 1, labels: Labels<string>, exemplar?: ExemplarSource): void {
    const series = this.#family.seriesOf(labels);
    if (this.#family.isGauge) series?.add(value);
    else series?.record(value, exemplar);
  }

  set(value: number, labels: Labels<string>): void {
    this.#family.seriesOf(labels)?.record(value);
  }

  record(value: number, labels: Labels<string>, exemplar?: ExemplarSource): void {
    this.#family.seriesOf(labels)?.record(value, exemplar);
  }

  bind(labels: Labels<string>): BoundHandle {
    return new BoundHandle(this.#family.seriesOf(labels), this.#family.isGauge);
  }
}

/** Returns the handle of a family. */
export function handleOf(family: Family): BoundHandle | LabelledHandle {
  return family.declaration.labels.length === 0
    ? new BoundHandle(family.onlySeries(), family.isGauge)
    : new LabelledHandle(family);
}

import type { ExemplarSource, Family, Series } from "./family.ts";
import type { Labels } from "./labels.ts";

/** A count without labels, or with their values given already. */
export interface BoundCounter {
  /**
   * @param value how much to add, at least 0; 1 unless given.
   * @param exemplar a span to show beside the count.
   */
  add(value?: number, exemplar?: ExemplarSource): void;
}

/** A count by labels. */
export interface Counter<L extends string> {
  /**
   * @param value how much to add, at least 0; undefined for 1.
   * @param labels a value for each label.
   * @param exemplar a span to show beside the count.
   */
  add(value: number | undefined, labels: Labels<L>, exemplar?: ExemplarSource): void;
  /** The count of one label set: saves looking it up each time. */
  bind(labels: Labels<L>): BoundCounter;
}

/** A value without labels, or with their values given already. */
export interface BoundGauge {
  set(value: number): void;
  /** Adds to what this isolate has, 0 to begin with; a negative number lowers it. */
  add(value: number): void;
}

/** A value by labels. */
export interface Gauge<L extends string> {
  set(value: number, labels: Labels<L>): void;
  /** Adds to what this isolate has, 0 to begin with; a negative number lowers it. */
  add(value: number, labels: Labels<L>): void;
  /** The value of one label set: saves looking it up each time. */
  bind(labels: Labels<L>): BoundGauge;
}

/** A distribution without labels, or with their values given already. */
export interface BoundHistogram {
  /**
   * @param value any finite number.
   * @param exemplar a span to show beside the value's bucket.
   */
  record(value: number, exemplar?: ExemplarSource): void;
}

/** A distribution by labels. */
export interface Histogram<L extends string> {
  /**
   * @param value any finite number.
   * @param labels a value for each label.
   * @param exemplar a span to show beside the value's bucket.
   */
  record(value: number, labels: Labels<L>, exemplar?: ExemplarSource): void;
  /** The distribution of one label set: saves looking it up each time. */
  bind(labels: Labels<L>): BoundHistogram;
}

// One class for all kinds: a record costs what it takes to find its series and one call of the core.

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

/** What a family is recorded with. */
export function handleOf(family: Family): BoundHandle | LabelledHandle {
  return family.declaration.labels.length === 0
    ? new BoundHandle(family.onlySeries(), family.isGauge)
    : new LabelledHandle(family);
}

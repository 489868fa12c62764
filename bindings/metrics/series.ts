import { ErrorCode } from "../core/abi.gen.ts";
import { trapped } from "../core/core.ts";
import type { MetricsCore } from "../core/metrics_core.ts";
import { identityOf } from "./exemplar.ts";
import type { Family } from "./family.ts";

/** One label set of a family, and its row in the core that is alive. */
export class Series {
  readonly #family: Family;
  readonly #values: readonly string[];
  #core: MetricsCore | undefined;
  #row = 0;
  /** Of gauges: what a new core has to be told. */
  #gauge: number | undefined;

  /** @param values of the labels, in the order of their names. */
  constructor(family: Family, values: readonly string[]) {
    this.#family = family;
    this.#values = values;
  }

  /** Adds to a counter, sets a gauge, observes in a histogram. Never throws. */
  record(value: number, exemplar?: unknown): void {
    const core = this.#core?.isAlive === true ? this.#core : this.#attach();
    if (core === undefined) {
      this.#family.meter.countLost();
      return;
    }
    let answer: number = ErrorCode.invalidValue;
    if (typeof value === "number") {
      answer =
        exemplar === undefined
          ? core.record(this.#row, value)
          : this.#recordExemplar(core, value, exemplar);
    }
    if (answer === ErrorCode.ok) {
      if (this.#family.isGauge) this.#gauge = value;
      this.#recorded();
    } else {
      this.#failed(answer, value);
    }
  }

  /** Adds to a gauge. Never throws. */
  add(value: number): void {
    const core = this.#core?.isAlive === true ? this.#core : this.#attach();
    if (core === undefined) {
      this.#family.meter.countLost();
      return;
    }
    const isNumber = typeof value === "number";
    const answer = isNumber ? core.add(this.#row, value) : ErrorCode.invalidValue;
    if (answer === ErrorCode.ok) {
      this.#gauge = (this.#gauge ?? 0) + value;
      this.#recorded();
    } else {
      this.#failed(answer, value);
    }
  }

  /** Gives the series its row in the live core, of a gauge with its value. */
  attach(): void {
    if (this.#core?.isAlive !== true) this.#attach();
  }

  #attach(): MetricsCore | undefined {
    this.#core = undefined;
    const bound = this.#family.bind(this.#values);
    if (bound === undefined) return undefined;
    this.#core = bound.core;
    this.#row = bound.row;
    if (this.#gauge !== undefined) bound.core.add(bound.row, this.#gauge);
    return bound.core;
  }

  #recordExemplar(core: MetricsCore, value: number, exemplar: unknown): number {
    const identity = identityOf(exemplar);
    return identity === undefined
      ? core.record(this.#row, value)
      : core.recordExemplar(this.#row, value, identity.traceId, identity.spanId);
  }

  #recorded(): void {
    const { meter } = this.#family;
    if (!meter.isAwake) meter.wake();
  }

  #failed(answer: number, value: unknown): void {
    if (answer === trapped) this.#family.meter.countLost();
    else this.#family.refuseValue(value);
  }
}

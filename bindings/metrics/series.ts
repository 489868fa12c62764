import { ErrorCode } from "../core/abi.gen.ts";
import { trapped } from "../core/core.ts";
import type { MetricsCore } from "../core/metrics_core.ts";
import { identityOf } from "./exemplar.ts";
import type { Family } from "./family.ts";
import type { Meter } from "./meter.ts";

/** One label set of a family, and its row in the core that is alive. */
export class Series {
  readonly #family: Family;
  readonly #meter: Meter;
  readonly #isGauge: boolean;
  readonly #values: readonly string[];
  #core: MetricsCore | undefined;
  #row = 0;
  /** Of gauges: what a new core has to be told; NaN before there is a value. A number from the start takes no memory. */
  #gauge = Number.NaN;

  /** @param values of the labels, in the order of their names. */
  constructor(family: Family, values: readonly string[]) {
    this.#family = family;
    this.#meter = family.meter;
    this.#isGauge = family.isGauge;
    this.#values = values;
  }

  /** Adds to a counter, sets a gauge, observes in a histogram. Never throws. */
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

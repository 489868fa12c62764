import {
  type Meter as ApiMeter,
  type BatchObservableCallback,
  type Counter,
  createNoopMeter,
  type Gauge,
  type Histogram,
  type MeterProvider,
  type MetricAttributes,
  type MetricOptions,
  type Observable,
  type ObservableCallback,
  type ObservableCounter,
  type ObservableGauge,
  type ObservableUpDownCounter,
  type UpDownCounter,
  ValueType,
} from "@opentelemetry/api";
import { describeCause } from "../../base/cause.ts";
import { MetricKind } from "../../core/abi.gen.ts";
import { simpleDeclaration } from "../../core/declaration.ts";
import { checkDeclaration } from "../../metrics/definitions.ts";
import type { Series } from "../../metrics/family.ts";
import type { Meter } from "../../metrics/meter.ts";
import { OpenFamily } from "../../metrics/open_family.ts";

/** Default bounds of OpenTelemetry's SDK. */
const defaultBounds = [
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000,
] as const;
/** The syntax of instrument names in OpenTelemetry. */
const namePattern = /^[a-z][a-z0-9_./-]{0,254}$/i;

/** What a kind of instrument records. */
interface InstrumentKind {
  readonly method: string;
  readonly kind: number;
  /** Whether values are added to a gauge. */
  readonly adds?: true;
  readonly positive?: true;
}

const kinds = {
  counter: { method: "createCounter", kind: MetricKind.counter, positive: true },
  histogram: { method: "createHistogram", kind: MetricKind.histogram, positive: true },
  upDownCounter: { method: "createUpDownCounter", kind: MetricKind.gaugeSum, adds: true },
  gauge: { method: "createGauge", kind: MetricKind.gaugeLast },
  // Sets the total of this isolate. Totals of isolates are added up.
  upDownTotal: { method: "createObservableUpDownCounter", kind: MetricKind.gaugeSum },
  gaugeRead: { method: "createObservableGauge", kind: MetricKind.gaugeLast },
  counterTotal: { method: "createObservableCounter", kind: MetricKind.counter, positive: true },
} as const satisfies Record<string, InstrumentKind>;

const finiteRule = "a finite number";
const positiveRule = "a finite number of at least 0";

/** Makes meters whose instruments are metrics of isotel. */
export class OtelMeterProvider implements MeterProvider {
  readonly #meter: Meter;
  readonly #observers: Observers;

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#observers = new Observers(meter);
  }

  getMeter(name: string, version?: string): ApiMeter {
    const scope = {
      ...(name && { otel_scope_name: name }),
      ...(version && { otel_scope_version: version }),
    };
    return new OtelMeter(this.#meter, this.#observers, scope);
  }
}

type Scope = Readonly<Record<string, string>>;

class OtelMeter implements ApiMeter {
  readonly #meter: Meter;
  readonly #observers: Observers;
  readonly #scope: Scope;

  constructor(meter: Meter, observers: Observers, scope: Scope) {
    this.#meter = meter;
    this.#observers = observers;
    this.#scope = scope;
  }

  createCounter(name: string, options?: MetricOptions): Counter {
    return this.#instrument(kinds.counter, name, options) ?? noopMeter.createCounter(name);
  }

  createUpDownCounter(name: string, options?: MetricOptions): UpDownCounter {
    const made = this.#instrument(kinds.upDownCounter, name, options);
    return made ?? noopMeter.createUpDownCounter(name);
  }

  createHistogram(name: string, options?: MetricOptions): Histogram {
    return this.#instrument(kinds.histogram, name, options) ?? noopMeter.createHistogram(name);
  }

  createGauge(name: string, options?: MetricOptions): Gauge {
    return this.#instrument(kinds.gauge, name, options) ?? noopMeter.createGauge(name);
  }

  createObservableCounter(name: string, options?: MetricOptions): ObservableCounter {
    const made = this.#observable(kinds.counterTotal, name, options);
    return made ?? noopMeter.createObservableCounter(name);
  }

  createObservableUpDownCounter(name: string, options?: MetricOptions): ObservableUpDownCounter {
    const made = this.#observable(kinds.upDownTotal, name, options);
    return made ?? noopMeter.createObservableUpDownCounter(name);
  }

  createObservableGauge(name: string, options?: MetricOptions): ObservableGauge {
    const made = this.#observable(kinds.gaugeRead, name, options);
    return made ?? noopMeter.createObservableGauge(name);
  }

  addBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#observers.addBatch(callback, observables);
  }

  removeBatchObservableCallback(
    callback: BatchObservableCallback,
    observables: Observable[],
  ): void {
    this.#observers.removeBatch(callback, observables);
  }

  #instrument(
    kind: InstrumentKind,
    name: string,
    options: MetricOptions | undefined,
  ): Instrument | undefined {
    const family = this.#define(kind, name, options);
    if (family === undefined) return undefined;
    return new Instrument(family, kind, options?.valueType === ValueType.INT, this.#scope);
  }

  #observable(
    kind: InstrumentKind,
    name: string,
    options: MetricOptions | undefined,
  ): ObservableInstrument | undefined {
    const instrument = this.#instrument(kind, name, options);
    return instrument && new ObservableInstrument(instrument, this.#observers);
  }

  /** Returns the metric of an instrument. Logs once and returns undefined if isotel cannot record it. */
  #define(
    { method, kind }: InstrumentKind,
    name: string,
    options: MetricOptions = {},
  ): OpenFamily | undefined {
    try {
      if (!namePattern.test(name)) {
        throw new TypeError(
          "isotel: its name has to be a letter and up to 254 letters, digits, _, ., / or -",
        );
      }
      const { description = "", unit = "", advice } = options;
      const isHistogram = kind === MetricKind.histogram;
      const bounds = isHistogram ? boundsOf(advice?.explicitBucketBoundaries) : [];
      const declaration = simpleDeclaration(kind, name, { unit, help: description, bounds });
      checkDeclaration(method, declaration, {});
      return this.#meter.defineOpen(
        declaration,
        (familyOf) => new OpenFamily(this.#meter, declaration, familyOf),
      );
    } catch (cause) {
      const shown = typeof name === "string" ? JSON.stringify(name.slice(0, 255)) : typeof name;
      this.#meter.warnOnce(
        `instrument ${shown}`,
        `isotel: an instrument of the OpenTelemetry API, ${method}(${shown}), records nothing ` +
          `(${describeCause(cause)})`,
      );
      return undefined;
    }
  }
}

const noopMeter = createNoopMeter();

/** Returns the bounds of a histogram. Without any, all values are in one bucket, and isotel has at least two. */
function boundsOf(advice: number[] | undefined): readonly number[] {
  const bounds = advice?.filter((bound) => Number.isFinite(bound)) ?? defaultBounds;
  return bounds.length === 0 ? [0] : [...bounds];
}

class Instrument implements Counter, UpDownCounter, Histogram, Gauge {
  readonly #family: OpenFamily;
  readonly #kind: InstrumentKind;
  readonly #isInteger: boolean;
  readonly #scope: Scope;

  constructor(family: OpenFamily, kind: InstrumentKind, isInteger: boolean, scope: Scope) {
    this.#family = family;
    this.#kind = kind;
    this.#isInteger = isInteger;
    this.#scope = scope;
  }

  add(value: number, attributes?: MetricAttributes): void {
    this.record(value, attributes);
  }

  record(value: number, attributes?: MetricAttributes): void {
    const number = this.valid(value);
    if (number === undefined) return;
    const series = this.series(attributes);
    if (this.#kind.adds) series?.add(number);
    else series?.record(number);
  }

  /** Returns a value that can be recorded. Counts and logs any other one. */
  valid(value: unknown): number | undefined {
    const number = this.#isInteger && typeof value === "number" ? Math.trunc(value) : value;
    const { positive } = this.#kind;
    if (typeof number === "number" && Number.isFinite(number) && !(positive && number < 0)) {
      return number;
    }
    this.#family.refuse(value, positive ? positiveRule : finiteRule);
    return undefined;
  }

  /** Returns the series of attributes. Never throws. */
  series(attributes: MetricAttributes | undefined): Series | undefined {
    try {
      return this.#family.seriesOf({ ...attributes, ...this.#scope });
    } catch {
      // A getter of the attributes threw.
      return this.#family.seriesOf(this.#scope);
    }
  }

  get isTotal(): boolean {
    return this.#kind === kinds.counterTotal;
  }
}

class ObservableInstrument implements Observable {
  readonly instrument: Instrument;
  readonly #observers: Observers;
  /** The last totals of an observable counter. */
  readonly #totals = new Map<Series, number>();

  constructor(instrument: Instrument, observers: Observers) {
    this.instrument = instrument;
    this.#observers = observers;
  }

  addCallback(callback: ObservableCallback): void {
    this.#observers.add(callback, this);
  }

  removeCallback(callback: ObservableCallback): void {
    this.#observers.remove(callback, this);
  }

  /** Records the values of one collection. */
  take(values: ReadonlyMap<Series, number>): void {
    for (const [series, value] of values) {
      if (!this.instrument.isTotal) {
        series.record(value);
        continue;
      }
      const before = this.#totals.get(series) ?? 0;
      this.#totals.set(series, value);
      // A smaller total is that of a count that began anew.
      series.record(value >= before ? value - before : value);
    }
  }
}

interface Batch {
  readonly callback: BatchObservableCallback;
  readonly observables: ReadonlySet<Observable>;
}

/** The callbacks of observable instruments. They run before each flush, and their values leave with it. */
class Observers {
  readonly #meter: Meter;
  readonly #single = new Map<ObservableInstrument, Set<ObservableCallback>>();
  #batches: readonly Batch[] = [];
  #isObserving = false;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  add(callback: ObservableCallback, observable: ObservableInstrument): void {
    this.#start();
    const known = this.#single.get(observable);
    if (known === undefined) this.#single.set(observable, new Set([callback]));
    else known.add(callback);
  }

  remove(callback: ObservableCallback, observable: ObservableInstrument): void {
    this.#single.get(observable)?.delete(callback);
  }

  addBatch(callback: BatchObservableCallback, observables: readonly Observable[]): void {
    this.#start();
    this.removeBatch(callback, observables);
    this.#batches = [...this.#batches, { callback, observables: new Set(observables) }];
  }

  removeBatch(callback: BatchObservableCallback, observables: readonly Observable[]): void {
    this.#batches = this.#batches.filter(
      (batch) =>
        batch.callback !== callback ||
        batch.observables.size !== observables.length ||
        !observables.every((observable) => batch.observables.has(observable)),
    );
  }

  #start(): void {
    if (this.#isObserving) return;
    this.#isObserving = true;
    this.#meter.observe(() => this.#observe());
  }

  async #observe(): Promise<void> {
    const runs: Promise<void>[] = [];
    for (const [observable, callbacks] of this.#single) {
      for (const callback of callbacks) {
        const values = new Map<Series, number>();
        const observe = (value: number, attributes?: MetricAttributes) =>
          keep(values, observable, value, attributes);
        runs.push(
          this.#run(
            () => callback({ observe }),
            () => observable.take(values),
          ),
        );
      }
    }
    for (const { callback, observables } of this.#batches) {
      const values = new Map<Observable, Map<Series, number>>();
      const observe = (observable: Observable, value: number, attributes?: MetricAttributes) => {
        if (!(observable instanceof ObservableInstrument) || !observables.has(observable)) return;
        const own = values.get(observable) ?? new Map<Series, number>();
        values.set(observable, own);
        keep(own, observable, value, attributes);
      };
      runs.push(
        this.#run(
          () => callback({ observe }),
          () => {
            for (const [observable, own] of values) (observable as ObservableInstrument).take(own);
          },
        ),
      );
    }
    await Promise.all(runs);
  }

  /** Runs a callback, then records what it observed. Values of one that fails are left out. */
  async #run(callback: () => void | Promise<void>, take: () => void): Promise<void> {
    try {
      await callback();
      take();
    } catch (cause) {
      this.#meter.warnObserver(cause);
    }
  }
}

function keep(
  values: Map<Series, number>,
  { instrument }: ObservableInstrument,
  value: unknown,
  attributes: MetricAttributes | undefined,
): void {
  const number = instrument.valid(value);
  const series = number === undefined ? undefined : instrument.series(attributes);
  if (number !== undefined && series !== undefined) values.set(series, number);
}
